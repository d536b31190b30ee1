"""While outcomes cannot be recorded, delivered events are remembered instead of sent again."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

DISK_FULL = """
import asyncio, resource, sys
from pathlib import Path
from host_agent.delivery.delivery import Delivery
from host_agent.delivery.settings import DeliverySettings, Endpoint
from host_agent.metrics import Metrics
from host_agent.store import CapturedEvent, Report, Store, StoreFull
from tools import sandbox as sandboxes

def limit_files(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

async def fill(store, device):
    seq = 0
    try:
        while True:
            event = CapturedEvent(1, seq + 1, "note", {"text": "x" * 500}, 0, "arrival")
            await store.accept(Report(device.name, device.key, 1, seq + 1, 0, (event,)))
            seq += 1
    except StoreFull:
        return seq

async def main(store):
    device = store.add_device("door", "lock")
    limit_files(1_000_000)
    count = await fill(store, device)
    limit_files(Path(sys.argv[1] + "-wal").stat().st_size)
    async with sandboxes.running() as sandbox:
        endpoint = Endpoint(sandbox.url + "/api/v1/event", "demo-key", "demo-secret")
        delivery = Delivery(store, DeliverySettings(), endpoint, Metrics())
        running = asyncio.create_task(delivery.run())
        while sandbox.inbox.last < count:
            await asyncio.sleep(0.01)
        assert store.stats().delivered < count
        limit_files(resource.RLIM_INFINITY)
        while store.stats().delivered < count:
            await asyncio.sleep(0.01)
        await delivery.stop(5)
        await running
        assert sandbox.inbox.last == count, "each once"
        print("delivered", count)

with Store.open(Path(sys.argv[1])) as store:
    asyncio.run(main(store))
"""


def test_nothing_is_sent_twice_because_the_disk_was_full(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", DISK_FULL, str(tmp_path / "agent.db")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("delivered")
