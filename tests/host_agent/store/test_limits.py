"""A store that can take no more says so, harms nothing, and goes on when there is room again."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from host_agent.store import BadEvent, Dead, Delivered, Limits, Store, StoreFull


@pytest.fixture
def small(path):
    with Store.open(path, Limits(max_events=3)) as store:
        yield store


def test_a_report_that_does_not_fit_is_not_recorded_at_all(small, board_of):
    board = board_of(small.add_device("door", "lock"))
    asyncio.run(small.accept(board.report(1, 2)))
    before = small.device("door")

    with pytest.raises(StoreFull, match="full"):
        asyncio.run(small.accept(board.report(3, 4)))

    assert small.device("door") == before, "so the board may send the very frame again"
    assert small.stats().pending == 2


def test_the_same_frame_is_accepted_once_there_is_room(small, board_of):
    board = board_of(small.add_device("door", "lock"))
    asyncio.run(small.accept(board.report(1, 2, 3)))
    refused = board.report(4)
    with pytest.raises(StoreFull):
        asyncio.run(small.accept(refused))

    asyncio.run(small.settle([Delivered(small.pending("door", 0, 1)[0].id, 5)]))

    assert asyncio.run(small.accept(refused)).ack == (1, 4)


def test_dead_letters_take_room_too(small, board_of):
    board = board_of(small.add_device("door", "lock"))
    asyncio.run(small.accept(board.report(1, 2, bad=(BadEvent(1, 3, "?", "not JSON"),))))
    asyncio.run(small.settle([Dead(small.pending("door", 0, 1)[0].id, "no")]))

    with pytest.raises(StoreFull):
        asyncio.run(small.accept(board.report(4)))


def test_polls_and_duplicates_are_accepted_by_a_full_store(small, board_of):
    board = board_of(small.add_device("door", "lock"))
    asyncio.run(small.accept(board.report(1, 2, 3)))

    assert asyncio.run(small.accept(board.report())).ack == (1, 3)
    assert asyncio.run(small.accept(board.report(2, 3))).duplicates == 2


def test_bytes_are_limited_as_well(path, board_of):
    with Store.open(path, Limits(max_bytes=100)) as store:
        board = board_of(store.add_device("door", "lock"))
        asyncio.run(store.accept(board.report(1, 2, 3)))
        with pytest.raises(StoreFull):
            asyncio.run(store.accept(board.report(4)))


def test_a_refused_report_leaves_the_others_of_its_commit_alone(small, board_of):
    door, gate = (board_of(small.add_device(name, "lock")) for name in ("door", "gate"))

    async def both():
        return await asyncio.gather(
            small.accept(door.report(1, 2, 3, 4)),
            small.accept(gate.report(1)),
            return_exceptions=True,
        )

    refused, accepted = asyncio.run(both())
    assert isinstance(refused, StoreFull)
    assert accepted.stored == 1


FILE_TOO_LARGE = """
import asyncio, resource, sys
from pathlib import Path
from host_agent.store import CapturedEvent, Report, Store, StoreFull

def report(device, seq):
    event = CapturedEvent(1, seq, "note", {"text": "x" * 900}, 0, "arrival")
    return Report(device.name, device.key, 1, seq, 0, (event,))

async def main(store):
    device = store.add_device("door", "lock")
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
    seq = 0
    try:
        while True:
            await store.accept(report(device, seq + 1))
            seq += 1
    except StoreFull as error:
        print("refused:", error)
    assert store.device("door").frame == seq
    assert store.stats().pending == seq
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert (await store.accept(report(device, seq + 1))).stored == 1
    assert store.stats().pending == seq + 1

with Store.open(Path(sys.argv[1])) as store:
    asyncio.run(main(store))
with Store.open(Path(sys.argv[1])) as store:
    print("pending after a restart:", store.stats().pending == store.device("door").frame)
"""


def test_a_disk_that_is_full_for_a_while(path):
    done = subprocess.run(
        [sys.executable, "-c", FILE_TOO_LARGE, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "cannot be written" in done.stdout
    assert "pending after a restart: True" in done.stdout


def test_the_message_names_the_file(small, path: Path, board_of):
    board = board_of(small.add_device("door", "lock"))
    with pytest.raises(StoreFull, match=path.name):
        asyncio.run(small.accept(board.report(1, 2, 3, 4)))
