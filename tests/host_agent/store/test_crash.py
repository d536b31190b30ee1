"""kill -9 in the middle of a burst: what was acked is there, and there once."""

import sqlite3

from host_agent.store import Store
from tests.host_agent.store.burst import told_until_killed

BURST = """
import asyncio, sys
from pathlib import Path
from host_agent.store import CapturedEvent, Report, Store

async def board(store, device):
    for frame in range(1, 1_000_000):
        events = tuple(
            CapturedEvent(1, seq, "buttonState", {}, 0, "arrival")
            for seq in (2 * frame - 1, 2 * frame)
        )
        accepted = await store.accept(Report(device.name, device.key, 1, frame, 0, events))
        print(device.name, accepted.ack[1], flush=True)

async def main(store):
    devices = [store.add_device(f"board-{n}", "lock") for n in range(20)]
    await asyncio.gather(*(board(store, device) for device in devices))

asyncio.run(main(Store.open(Path(sys.argv[1]))))
"""


def test_nothing_acked_is_lost_or_doubled(path):
    acked = {}
    for line in told_until_killed(BURST, path, 2000):
        device, seq = line.split()
        acked[device] = int(seq)

    with Store.open(path) as store:
        assert len(acked) == 20
        for device, seq in acked.items():
            stored = [event.seq for event in store.pending(device, 0, 1_000_000)]
            assert stored == list(range(1, len(stored) + 1)), "each once, in order, no gap"
            assert len(stored) >= seq, "everything acked"
            assert store.device(device).acked == (1, len(stored)), "counters go with the events"
        assert store.stats().pending == sum(
            len(store.pending(device, 0, 1_000_000)) for device in acked
        )
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
