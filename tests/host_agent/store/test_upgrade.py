"""A file that an earlier version made becomes one of this version, and keeps what is in it."""

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from host_agent.store import AttemptVerdict, Dead, Store, StoreError
from host_agent.store.schema import VERSION
from tests.host_agent.store.file import of_version


@pytest.fixture
def old(path):
    """A store of version 1 that is not in use."""
    return of_version(1, path)


def version_of(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA user_version").fetchone()[0]


def test_a_store_of_version_1_keeps_everything(old):
    with Store.open(old) as store:
        (door,) = store.devices()
        assert (door.name, door.type, door.group, door.key) == ("door", "lock", "hq", b"\1" * 32)
        assert (door.boot, door.frame, door.acked) == (7, 42, (7, 3))
        assert (door.health, door.stale_frames) == ({"heap": 60000}, 2)
        assert (door.last_seen_ms, door.created_ms) == (1700000100000, 1690000000000)
        assert door.held is None
        assert [(e.id, e.state, e.reason) for e in store.events()] == [
            (13, "dead", "type is missing"),
            (12, "pending", "HTTP 503"),
            (11, "delivered", ""),
        ]
        (waiting,) = store.pending("door", 0, 10)
        assert (waiting.params, waiting.attempts, waiting.next_ms) == (
            {"pressed": False},
            3,
            1700000000008,
        )
        stats = store.stats()
        assert (stats.pending, stats.dead, stats.delivered, stats.bytes) == (1, 1, 1, 40)
        assert store.add_device("gone", "lock").boot == 5
    assert version_of(old) == VERSION


def test_it_goes_on_as_a_store_of_this_version(old, board_of):
    with Store.open(old) as store:
        board = board_of(store.device("door"))
        assert asyncio.run(store.accept(board.report(1))).ack == (8, 1)
        assert [event.id for event in store.pending("door", 0, 10)] == [12, 14]
        asyncio.run(store.settle([Dead(14, "no")]))
        assert store.stats().dead == 2
        assert (store.access("door"), store.attempts(), store.notifications()) == (None, [], [])
        state = store.add_credential("door", "ann", "code", "", "1234")
        verdict = AttemptVerdict(attempt=1, digest=b"d", response="ACCEPT")
        asyncio.run(store.record_verdict("door", verdict))
    with Store.open(old) as store:
        assert store.access("door") == state
        assert [found.verdict for found in store.attempts()] == [verdict]


def test_a_store_of_version_1_that_lost_a_table_is_set_aside_and_not_upgraded(old):
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("DROP TABLE totals")
    with Store.open(old) as store:
        assert store.devices() == []
    (aside,) = old.parent.glob("*.damaged-*[0-9]")
    assert version_of(aside) == 1


def test_a_store_of_version_1_in_use_is_not_upgraded_under_its_user(old):
    """The user holds what version 1 held, `.inuse`, and the other process leaves the file alone."""
    hold = sqlite3.connect(old.with_name("agent.db.inuse"), isolation_level=None)
    with closing(hold):
        hold.execute("BEGIN")
        hold.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        with pytest.raises(StoreError, match="another version"):
            Store.open(old)
    assert version_of(old) == 1


KILLED = """
import os, sys
from pathlib import Path
from host_agent.store.schema import connect, upgrade
connection = connect(Path(sys.argv[1]))
connection.execute("BEGIN IMMEDIATE")
upgrade(connection)
print("killed in the middle", flush=True)
os.kill(os.getpid(), 9)
"""


def test_a_kill_in_the_middle_leaves_the_old_version(old):
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(old)], capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (-9, b"killed in the middle\n")
    assert version_of(old) == 1

    with Store.open(old) as store:
        assert [event.id for event in store.events()] == [13, 12, 11]
    assert version_of(old) == VERSION
