"""Rotation of a device's key: two are good until the first frame under the next one."""

import asyncio
import json
import subprocess
import sys

import pytest

from host_agent.store import (
    Accepted,
    DeviceExists,
    Forgotten,
    Limits,
    Stale,
    Store,
    StoreFull,
    UnknownDevice,
)
from tests.host_agent.store.file import in_another_process


def accept(store, report):
    return asyncio.run(store.accept(report))


@pytest.fixture
def rotated(store, board):
    """The board of a device that has a next key, which it does not use yet."""
    accept(store, board.report(1))
    board.device = store.rotate_device("door")
    return board


def copy_of(path):
    return json.loads(path.with_name("agent.db.devices.json").read_text())


def test_a_device_has_no_next_key_until_it_is_rotated(store, board):
    assert store.device("door").next_key is None
    rotated = store.rotate_device("door")
    assert store.device("door") == rotated
    assert (rotated.key, len(rotated.next_key)) == (board.key, 32)
    assert rotated.next_key != rotated.key


def test_the_next_key_does_not_show_in_a_repr(rotated):
    assert "key" not in repr(rotated.device)


def test_both_keys_are_good_until_the_next_is_used(store, rotated):
    assert isinstance(accept(store, rotated.report(2)), Accepted)
    assert store.device("door").next_key == rotated.device.next_key

    old_key = rotated.key
    rotated.use_next_key()
    assert accept(store, rotated.report(2, 3)) == Accepted((1, 3), 1, 1, 0), "counters go on"
    assert store.device("door").keys == (rotated.key,)

    rotated.key = old_key
    assert accept(store, rotated.report(4)) == Forgotten()
    assert store.device("door").acked == (1, 3)


def test_the_old_key_is_worth_nothing_in_the_same_commit_already(store, rotated):
    old = rotated.report(3, frame=9)
    rotated.use_next_key()
    new = rotated.report(2, frame=8)

    async def both():
        return await asyncio.gather(store.accept(new), store.accept(old))

    first, second = asyncio.run(both())
    assert (first.ack, second) == ((1, 2), Forgotten())


def test_a_stale_frame_under_the_next_key_changes_no_key(store, rotated):
    before = store.device("door")
    rotated.use_next_key()
    assert accept(store, rotated.report(2, frame=1)) == Stale(1)
    assert store.device("door").keys == before.keys


def test_a_frame_that_finds_no_room_changes_no_key(path, board_of):
    with Store.open(path, Limits(max_events=1)) as store:
        store.add_device("door", "lock")
        board = board_of(store.rotate_device("door"))
        board.use_next_key()
        with pytest.raises(StoreFull):
            accept(store, board.report(1, 2))
        assert len(store.device("door").keys) == 2
        accept(store, board.report(1))
        assert store.device("door").keys == (board.key,)


def test_to_rotate_again_replaces_the_next_key(store, rotated):
    again = store.rotate_device("door")
    assert again.key == rotated.key
    rotated.use_next_key()
    assert accept(store, rotated.report(2)) == Forgotten()


@pytest.mark.parametrize("name", ["nobody", "gone"])
def test_only_a_device_is_rotated(store, name):
    store.add_device("gone", "lock")
    store.remove_device("gone")
    with pytest.raises(UnknownDevice, match=name):
        store.rotate_device(name)


def test_a_removed_device_leaves_no_next_key(store, rotated, path):
    store.remove_device("door")
    rotated.use_next_key()
    assert accept(store, rotated.report(2)) == Forgotten()
    assert "next_key" not in copy_of(path)[0]
    back = store.add_device("door", "lock")
    assert (back.next_key, back.boot, back.acked) == (None, 1, (1, 1))
    assert accept(store, rotated.report(2)) == Forgotten()


def test_what_another_process_rotates_counts_at_once(store, path, board):
    in_another_process("store.rotate_device('door')", path)
    accept(store, board.report(1))
    board.device = store.device("door")
    board.use_next_key()
    in_another_process("store.rotate_device('door')", path)
    assert accept(store, board.report(2)) == Forgotten(), "it is replaced by then"


def test_the_next_key_comes_back_with_a_lost_store(path, board_of):
    with Store.open(path) as store:
        store.add_device("door", "lock")
        before = store.rotate_device("door")
    path.unlink()
    with Store.open(path) as store:
        after = store.device("door")
        assert after.keys == before.keys
        board = board_of(after)
        board.use_next_key()
        assert isinstance(accept(store, board.report(1)), Accepted)
        assert "next_key" not in copy_of(path)[0], "the copy knows at once"
    path.unlink()
    with Store.open(path) as store:
        assert store.device("door").keys == (board.key,)


def test_a_copy_with_half_a_next_key_is_told(path):
    with Store.open(path) as store:
        store.add_device("door", "lock")
    path.unlink()
    (kept,) = copy_of(path)
    copy = path.with_name("agent.db.devices.json")
    copy.write_text(json.dumps([kept | {"next_key": "QUJD"}]))
    with pytest.raises(Exception, match="a key of door has not 32 bytes") as told:
        Store.open(path)
    assert "QUJD" not in str(told.value)


def test_a_backup_takes_the_next_key_along(path, tmp_path):
    with Store.open(path) as store, Store.open(tmp_path / "other.db") as other:
        store.add_device("door", "lock")
        before = store.rotate_device("door")
        assert other.restore(store.backup()) == 1
        assert other.device("door").keys == before.keys


def test_a_backup_from_the_middle_of_a_rotation_is_of_the_same_device(store, rotated):
    backup = store.backup()
    rotated.use_next_key()
    accept(store, rotated.report(2))
    assert store.restore(backup) == 0
    assert store.device("door").keys == (rotated.key,)

    store.rotate_device("door")
    assert store.restore(backup) == 0
    assert store.device("door").key == rotated.key
    store.remove_device("door")
    store.add_device("door", "lock")
    with pytest.raises(DeviceExists):
        store.restore(backup)


KILLED = """
import asyncio, os, sys
from dataclasses import replace
from pathlib import Path
from host_agent.store import Report, Store

store = Store.open(Path(sys.argv[1]))
device = store.rotate_device("door")
print(device.next_key.hex(), flush=True)
asyncio.run(store.accept(Report("door", device.next_key, device.boot + 1, 1, 0)))
os.kill(os.getpid(), 9)
"""


def test_an_accepted_first_frame_survives_a_kill(path):
    with Store.open(path) as store:
        old = store.add_device("door", "lock").key
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -9, done.stderr
    with Store.open(path) as store:
        (key,) = store.device("door").keys
        assert (key.hex(), key != old) == (done.stdout.strip(), True)
