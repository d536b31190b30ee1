"""Devices come and go, also by the hand of another process; their counters never restart."""

import asyncio

import pytest

from host_agent.store import DeviceExists, Store, StoreError, UnknownDevice
from tests.host_agent.store.file import in_another_process


def test_a_new_device_has_a_random_key_and_nothing_acked(store):
    door = store.add_device("door", "lock", "hq")
    gate = store.add_device("gate", "lock")

    assert (len(door.key), door.group, door.acked, door.boot) == (32, "hq", (0, 0), 0)
    assert door.key != gate.key
    assert gate.group == ""
    assert store.device("door") == door
    assert store.devices() == [door, gate]


def test_the_key_does_not_show_in_a_repr(board):
    for thing in (board.device, board.report(1)):
        assert repr(board.device.key) not in repr(thing)
        assert "key" not in repr(thing)


def test_devices_survive_a_restart(path):
    with Store.open(path) as store:
        door = store.add_device("door", "lock")
    with Store.open(path) as store:
        assert store.devices() == [door]


def test_a_name_is_given_once(store):
    store.add_device("door", "lock")
    with pytest.raises(DeviceExists, match="door"):
        store.add_device("door", "lock")


@pytest.mark.parametrize("name", ["", "-door", "a b", "dööR", "x" * 65, 'a"b', "door\n"])
def test_a_name_that_cannot_be_used_raw_in_a_header_is_refused(store, name):
    with pytest.raises(StoreError, match="device name"):
        store.add_device(name, "lock")


@pytest.mark.parametrize("kind", ["", "\udcff"])
def test_a_type_must_be_text(store, kind):
    with pytest.raises(StoreError, match="type"):
        store.add_device("door", kind)


def test_removing_an_unknown_device_says_so(store):
    with pytest.raises(UnknownDevice, match="door"):
        store.remove_device("door")


def test_counters_go_on_when_a_removed_device_comes_back(store, board):
    asyncio.run(store.accept(board.report(1, 2)))
    store.remove_device("door")
    assert store.device("door") is None
    assert store.devices() == []

    back = store.add_device("door", "keypad")

    assert (back.boot, back.frame, back.acked) == (1, 1, (1, 2))
    assert back.key != board.device.key
    assert back.type == "keypad"


def test_events_of_a_removed_device_still_wait(store, board):
    asyncio.run(store.accept(board.report(1)))
    store.remove_device("door")

    assert store.devices_with_pending() == ["door"]
    assert store.pending("door", 0, 10)[0].device_type == "lock"


def test_what_another_process_changes_shows_in_the_open_store(store, path, eventually):
    in_another_process("store.add_device('gate', 'lock')", path)
    eventually(lambda: store.device("gate"))

    in_another_process("store.remove_device('gate')", path)
    eventually(lambda: store.device("gate") is None)


def test_a_key_changed_by_another_process_counts_at_once(store, path, board):
    """Even before the snapshot shows it: the writer looks inside its transaction."""
    report = board.report(1)
    in_another_process("store.remove_device('door'); store.add_device('door', 'lock')", path)
    asyncio.run(store.accept(report))

    assert store.stats().pending == 0
