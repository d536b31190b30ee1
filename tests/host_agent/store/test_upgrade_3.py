"""A file that version 3 made goes on in this version, with events from outside."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from host_agent.store import Caller, ExternalEvent, Store

VERSION_3 = Path(__file__).with_name("version_3.sql").read_text()


@pytest.fixture
def old(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(VERSION_3)
    return path


def test_a_store_of_version_3_keeps_everything(old):
    with Store.open(old) as store:
        (door,) = store.devices()
        assert (door.key, door.next_key, door.commanded) == (b"\1" * 32, b"\2" * 32, 0)
        assert [(event.event_id, event.state, event.caller) for event in store.events()] == [
            ("door:3:2", "pending", None),
            ("door:3:1", "delivered", None),
        ]
        assert [(one.name, one.args, one.state) for one in store.commands.list()] == [
            ("power", "on", "open")
        ]


def test_it_takes_events_from_outside(old):
    with Store.open(old) as store:
        event = ExternalEvent("door", "power", (), 5, Caller(user_id="ann"))
        added = asyncio.run(store.add_external(event))
    with Store.open(old) as store:
        waiting = store.pending("door", 0, 10)
        assert [event.event_id for event in waiting] == ["door:3:2", added]
        assert waiting[1].caller == Caller(user_id="ann")
