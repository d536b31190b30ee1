"""A file that version 2 made goes on in this version, with commands, rotation and events from
outside."""

import asyncio

import pytest

from host_agent.store import Caller, ExternalEvent, Store
from tests.host_agent.store.file import of_version


@pytest.fixture
def old(path):
    return of_version(2, path)


def test_a_store_of_version_2_keeps_everything(old):
    with Store.open(old) as store:
        (door,) = store.devices()
        assert (door.key, door.boot, door.frame, door.acked) == (b"\1" * 32, 3, 9, (3, 2))
        assert (door.next_key, door.commanded) == (None, None)
        access = store.access("door")
        assert (access.rev, access.lockdown, door.held) == (2, True, (access.list, 1))
        assert [(event.event_id, event.state, event.caller) for event in store.events()] == [
            ("door:3:2", "pending", None),
            ("door:3:1", "delivered", None),
        ]
        assert {event.stored_ms for event in store.events()} == {None}
        assert [found.verdict.response for found in store.attempts()] == ["ACCEPT"]
        assert store.commands.list() == []


def test_it_takes_commands_and_a_next_key(old, board_of):
    with Store.open(old) as store:
        command = store.commands.add("door", "power", True)
        board = board_of(store.rotate_device("door"))
        board.use_next_key()
        accepted = asyncio.run(store.accept(board.report(3, commanded=0)))
        assert [one.id for one in accepted.commands] == [command.id]
    with Store.open(old) as store:
        assert store.device("door").key == board.key
        assert store.commands.get("door", command.id).sent_ms is not None


def test_it_takes_events_from_outside(old):
    with Store.open(old) as store:
        event = ExternalEvent("door", "power", (), 5, Caller(user_id="ann"))
        added = asyncio.run(store.add_external(event))
    with Store.open(old) as store:
        waiting = store.pending("door", 0, 10)
        assert [event.event_id for event in waiting] == ["door:3:2", added]
        assert waiting[1].caller == Caller(user_id="ann")
