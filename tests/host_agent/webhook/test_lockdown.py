"""A notification may lock doors down."""

import logging

import pytest


@pytest.fixture
def doors(store) -> None:
    """Two doors with an access list, and a button without."""
    for name in ("front", "back", "button"):
        store.add_device(name, "Lock")
    store.add_credential("front", "anna", "code", "", "2468")
    store.add_credential("back", "anna", "code", "", "2468")


def locked(store) -> list[str]:
    states = {device.name: store.access(device.name) for device in store.devices()}
    return [name for name, state in states.items() if state is not None and state.lockdown]


@pytest.mark.usefixtures("doors")
def test_it_locks_the_named_doors(start, store) -> None:
    webhook = start(("BLOCK",), ("front",))
    assert webhook.notify(event_response="BLOCK").status == 200
    assert locked(store) == ["front"]


@pytest.mark.usefixtures("doors")
def test_it_locks_every_door_and_nothing_else(start, store, caplog) -> None:
    webhook = start(("BLOCK", "HARD_NOTIFY"), ("*",))
    with caplog.at_level(logging.INFO, "host_agent"):
        assert webhook.notify(event_response="EXTRAREQUIREMENT", eventId="e-7").status == 200
    assert locked(store) == ["back", "front"]
    assert store.access("button") is None
    (line,) = caplog.messages
    assert "lockdown of back, front" in line
    assert "e-7" in line and "HARD_NOTIFY" in line


@pytest.mark.usefixtures("doors")
@pytest.mark.parametrize("response", ["NOTIFY", "ACCEPT", "block", "", None])
def test_another_response_locks_nothing(start, store, response) -> None:
    webhook = start(("BLOCK",), ("*",))
    assert webhook.notify(event_response=response).status == 200
    assert locked(store) == []


@pytest.mark.usefixtures("doors")
def test_what_is_not_believed_locks_nothing(start, store) -> None:
    webhook = start(("BLOCK",), ("*",))
    assert webhook.notify(event_response="BLOCK", generatedTime=1).status == 403
    assert locked(store) == []


@pytest.mark.usefixtures("doors")
def test_a_repeated_one_does_not_lock_again_what_was_released(start, store) -> None:
    webhook = start(("BLOCK",), ("front",))
    body = webhook.body(event_response="BLOCK")
    assert webhook.post(body).status == 200
    store.set_lockdown("front", False)
    assert webhook.post(body).status == 403
    assert locked(store) == []


@pytest.mark.usefixtures("doors")
def test_a_door_that_is_not_there_keeps_no_other_open_and_is_told(start, store, caplog) -> None:
    webhook = start(("BLOCK",), ("gone", "front"))
    assert webhook.notify(event_response="BLOCK").status == 200
    assert locked(store) == ["front"]
    assert "lockdown of front: " in caplog.text
    assert "there is no device gone" in caplog.text


def test_a_device_without_a_list_gets_an_empty_one_that_is_locked(start, store) -> None:
    store.add_device("new", "Lock")
    webhook = start(("BLOCK",), ("new",))
    assert webhook.notify(event_response="BLOCK").status == 200
    assert locked(store) == ["new"]
