"""Who waits for a device's next report hears when something is there for it."""

import time

import pytest

from host_agent.store import Store
from tests.host_agent.store.file import in_another_process


@pytest.fixture
def due(store: Store) -> list[str]:
    """Names as they are told; there is a door."""
    told: list[str] = []
    store.add_device("door", "lock")
    store.on_due.append(told.append)
    return told


def test_a_change_of_an_access_list_is_told_at_once(store, due):
    store.add_credential("door", "ann", "code", "", "1234")
    assert due == ["door"]
    store.set_lockdown("door", True)
    store.set_lockdown("door", True)
    assert due == ["door", "door"], "the second changed nothing"


@pytest.mark.usefixtures("store")
def test_what_another_process_changes_is_told_too(path, due, eventually):
    in_another_process("store.set_lockdown('door', True)", path)
    eventually(lambda: due == ["door"])


def test_what_nobody_waits_for_is_not_told(store, path, due, eventually):
    store.add_credential("door", "ann", "code", "", "1234")
    due.clear()
    store.add_device("gate", "lock")
    in_another_process("store.add_device('hall', 'lock')", path)
    eventually(lambda: store.device("hall"))
    store.remove_device("door")
    assert due == []


@pytest.mark.usefixtures("store")
def test_looking_for_changes_costs_next_to_nothing():
    began, used = time.monotonic(), time.process_time()
    time.sleep(1)
    assert time.process_time() - used < 0.1 * (time.monotonic() - began)
