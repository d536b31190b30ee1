"""A notification and the lockdown that it calls for are one: both are kept, or neither."""

import asyncio
import subprocess
import sys

import pytest

from host_agent.access import EVERY_DOOR
from host_agent.store import Store, StoredNotification
from tests.host_agent.store.file import in_another_process

BLOCK = StoredNotification("e-1", "g", "ann", "BLOCK", 95.0, "door", "10.0.0.7", 1, 2, "{}")

INTERRUPTED = """
import asyncio, os, resource, sys
from pathlib import Path
from host_agent.store import Store, StoredNotification, StoreError

BLOCK = StoredNotification("e-1", "g", "ann", "BLOCK", 95.0, "door", "10.0.0.7", 1, 2, "{}")

def record(store):
    return asyncio.run(store.record_notification(BLOCK, ["door"]))

def kill_before_the_lockdown(statement):
    if "INTO access" in statement:
        print("interrupted", flush=True)
        os.kill(os.getpid(), 9)

with Store.open(Path(sys.argv[1])) as store:
    store.add_device("door", "lock")
    if sys.argv[2] == "killed":
        store._writer._connection.set_trace_callback(kill_before_the_lockdown)
        record(store)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    try:
        record(store)
    except StoreError:
        print("interrupted")
"""


def record(store, lockdown):
    return asyncio.run(store.record_notification(BLOCK, lockdown))


def locked(store):
    states = {device.name: store.access(device.name) for device in store.devices()}
    return [name for name, state in states.items() if state is not None and state.lockdown]


@pytest.fixture
def store(store):
    """With two doors that have an access list, and two devices without."""
    for name in ("front", "back", "gate", "button"):
        store.add_device(name, "lock")
    for name in ("front", "back"):
        store.add_credential(name, "ann", "code", "", "1234")
    return store


def test_it_locks_the_named_devices_that_are_there(store):
    """A known device starts an empty list that is locked; of the rest the caller hears nothing."""
    store.add_device("gone", "lock")
    store.remove_device("gone")
    assert record(store, ["front", "gate", "gone", "nobody"]) == ["front", "gate"]
    assert locked(store) == ["front", "gate"]
    assert store.access("gate").credentials == ()
    assert store.access("gone") is None and store.access("nobody") is None


def test_every_door_is_every_device_with_a_list(store):
    store.set_lockdown("back", True)
    assert record(store, [EVERY_DOOR]) == ["back", "front"]
    assert locked(store) == ["back", "front"]


def test_a_door_that_another_process_made_just_now_is_a_door(store, path):
    """Even before the snapshot shows it: the writer looks in its transaction."""
    in_another_process("store.add_credential('gate', 'ann', 'code', '', '1234')", path)
    assert record(store, [EVERY_DOOR]) == ["back", "front", "gate"]


def test_an_event_that_is_kept_already_locks_nothing(store):
    assert record(store, []) == []
    assert record(store, [EVERY_DOOR]) is None
    assert locked(store) == []


def test_a_lockdown_survives_a_restart_and_a_lost_store(path):
    with Store.open(path) as store:
        store.add_device("front", "lock")
        record(store, ["front"])
    with Store.open(path) as store:
        assert locked(store) == ["front"]
    path.unlink()
    with Store.open(path) as store:
        assert locked(store) == ["front"]


@pytest.mark.parametrize(("how", "code"), [("killed", -9), ("full", 0)])
def test_whatever_comes_in_between_leaves_neither(path, how, code):
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(path), how],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (code, "interrupted\n"), done.stderr
    with Store.open(path) as store:
        assert (store.notifications(), store.access("door")) == ([], None)
        assert record(store, ["door"]) == ["door"], "it is not taken for a repeated one"
