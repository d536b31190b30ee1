"""The tables, and connections to them."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, TypeAlias

from host_agent.store.errors import StoreDamaged, StoreError, StoreFull

Row: TypeAlias = tuple[Any, ...]

_BUSY_S = 10.0  # another process commits in milliseconds; longer means that it hangs
_CHECKPOINT_PAGES = 4000
_WAL_BYTES_KEPT = 64 << 20
_ROWS_PER_STATEMENT = 1000  # SQLite admits 32766 variables in a statement

# One script per version: a store of an earlier one gets those that it lacks. They never change.
# A removed device keeps its row, with an empty key: its counters must never restart.
# An unreadable event has no type, its `params` is what the board sent.
# AUTOINCREMENT: delivery remembers ids, so they must not come back after a purge.
_VERSION_1 = """
CREATE TABLE devices (
    name TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    "group" TEXT NOT NULL,
    key BLOB NOT NULL,
    boot INTEGER NOT NULL,
    frame INTEGER NOT NULL,
    acked_boot INTEGER NOT NULL,
    acked_seq INTEGER NOT NULL,
    last_seen_ms INTEGER,
    health TEXT NOT NULL,
    stale_frames INTEGER NOT NULL,
    created_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device TEXT NOT NULL,
    boot INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    type TEXT,
    params TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    time_source TEXT NOT NULL,
    accepted_ms INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    first_attempt_ms INTEGER,
    next_ms INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    settled_ms INTEGER,
    UNIQUE (device, boot, seq)
);
CREATE INDEX events_pending ON events (device) WHERE state = 'pending';
CREATE INDEX events_settled ON events (state, settled_ms) WHERE state <> 'pending';

CREATE TABLE totals (
    state TEXT PRIMARY KEY,
    events INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO totals VALUES ('pending', 0, 0), ('delivered', 0, 0), ('dead', 0, 0);

CREATE TRIGGER events_added AFTER INSERT ON events BEGIN
    UPDATE totals SET events = events + 1, bytes = bytes + new.bytes WHERE state = new.state;
END;
CREATE TRIGGER events_moved AFTER UPDATE OF state ON events WHEN old.state <> new.state BEGIN
    UPDATE totals SET events = events - 1, bytes = bytes - old.bytes WHERE state = old.state;
    UPDATE totals SET events = events + 1, bytes = bytes + new.bytes WHERE state = new.state;
END;
CREATE TRIGGER events_removed AFTER DELETE ON events BEGIN
    UPDATE totals SET events = events - 1, bytes = bytes - old.bytes WHERE state = old.state;
END;
"""
# An attempt is known by its message too: a board that lost its counter uses numbers again.
_VERSION_2 = """
ALTER TABLE devices ADD COLUMN held_list TEXT;
ALTER TABLE devices ADD COLUMN held_rev INTEGER;

CREATE TABLE access (
    device TEXT PRIMARY KEY,
    state TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE attempts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    digest BLOB NOT NULL,
    response TEXT NOT NULL,
    reason TEXT NOT NULL,
    retry INTEGER NOT NULL,
    risk REAL,
    event_id TEXT NOT NULL,
    event_token TEXT NOT NULL,
    asked INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    took_ms INTEGER NOT NULL,
    UNIQUE (device, attempt, digest)
);
CREATE INDEX attempts_received ON attempts (received_ms);
CREATE INDEX attempts_device ON attempts (device);

CREATE TABLE notifications (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL UNIQUE,
    auth_group_id TEXT NOT NULL,
    user TEXT NOT NULL,
    response TEXT NOT NULL,
    risk REAL,
    service TEXT NOT NULL,
    client_ip TEXT NOT NULL,
    generated_ms INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    raw TEXT NOT NULL
);
CREATE INDEX notifications_received ON notifications (received_ms);
"""
# `next_key` waits for its first frame; `commanded` is the newest command that the board told of,
# NULL if it never said that it takes any. A command that nobody has answered yet is open. The
# columns of events are for external ones; `group_id` is in place of the device's group. `stored_ms`
# is when the event was written, NULL if that was not noted. A password is a PHC string of argon2id,
# `digest` the SHA-256 of a token's secret, `scopes` a JSON array.
_VERSION_3 = """
ALTER TABLE devices ADD COLUMN next_key BLOB;
ALTER TABLE devices ADD COLUMN commanded INTEGER;

CREATE TABLE commands (
    device TEXT NOT NULL,
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    args TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    sent_ms INTEGER,
    state TEXT NOT NULL CHECK (state IN ('open', 'done', 'failed', 'unknown', 'expired')),
    result TEXT NOT NULL DEFAULT '',
    settled_ms INTEGER,
    PRIMARY KEY (device, id)
) WITHOUT ROWID;
CREATE INDEX commands_open ON commands (device) WHERE state = 'open';
CREATE INDEX commands_created ON commands (created_ms);

ALTER TABLE events ADD COLUMN source_ip TEXT;
ALTER TABLE events ADD COLUMN user_agent TEXT;
ALTER TABLE events ADD COLUMN user_id TEXT;
ALTER TABLE events ADD COLUMN session_id TEXT;
ALTER TABLE events ADD COLUMN api_key_id TEXT;
ALTER TABLE events ADD COLUMN group_id TEXT;
ALTER TABLE events ADD COLUMN stored_ms INTEGER;
CREATE INDEX events_device ON events (device);
CREATE INDEX events_dead ON events (state) WHERE state = 'dead';

CREATE TABLE users (
    name TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    password TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    digest BLOB NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    used_ms INTEGER
) WITHOUT ROWID;

CREATE TABLE logins (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    user TEXT NOT NULL,
    source_ip TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    outcome TEXT NOT NULL,
    response TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX logins_at ON logins (at_ms);
"""
_SCRIPTS = (_VERSION_1, _VERSION_2, _VERSION_3)
VERSION = len(_SCRIPTS)


def make_private(path: Path) -> None:
    """An empty file of mode 0600, unless there is one already."""
    # O_EXCL: closing any other descriptor of a database in use would drop SQLite's POSIX locks.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def connect(path: Path) -> sqlite3.Connection:
    """A connection in autocommit mode whose commits are on disk when they return.

    The file is created with mode 0600; SQLite gives -wal and -shm the mode of the file. Text that
    is not UTF-8, because a byte of it flipped, reads as text with U+FFFD in it.
    Raises OSError or sqlite3.Error.
    """
    make_private(path)
    connection = sqlite3.connect(
        path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
    )
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES_KEPT}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def version(connection: sqlite3.Connection) -> int:
    """0 for a file without tables."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def upgrade(connection: sqlite3.Connection, to: int = VERSION) -> None:
    """Make what the store lacks for that version, inside the transaction of the caller."""
    for script in _SCRIPTS[version(connection) : to]:
        for statement in _statements(script):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {to}")


def missing(connection: sqlite3.Connection) -> list[str]:
    """Tables, indexes and triggers that a store of its version has, and this one has not."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as model:
        upgrade(model, version(connection))
        expected = _names(model)
    return sorted(expected - _names(connection))


def execute_values(connection: sqlite3.Connection, statement: str, rows: Sequence[Row]) -> None:
    """Run `statement` with all `rows` in place of its `{values}`.

    One step for many rows: executemany would let go of the GIL once a row, and wait for it each
    time while the event loop is busy (measured: five times slower under load).
    """
    for start in range(0, len(rows), _ROWS_PER_STATEMENT):
        part = rows[start : start + _ROWS_PER_STATEMENT]
        row = "(" + ",".join("?" * len(part[0])) + ")"
        values = "VALUES " + ",".join([row] * len(part))
        connection.execute(
            statement.format(values=values), [value for row in part for value in row]
        )


def int64(number: int) -> int:
    """The nearest number that SQLite can take."""
    return max(-(2**63), min(number, 2**63 - 1))


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is broken, as opposed to not writable just now."""
    return _primary_code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def explain(error: sqlite3.Error, path: Path) -> StoreError:
    """The store's own error for one of SQLite's."""
    if is_damage(error):
        return StoreDamaged(
            f"the store {path} is damaged ({error}); restart the agent, which sets it aside"
        )
    if _is_no_room(error):
        return StoreFull(f"the store {path} cannot be written ({error}); free the disk")
    if _primary_code(error) in _NOT_WRITABLE:
        return StoreError(f"the store {path} cannot be written ({error}); repair the disk")
    if _primary_code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreError(f"another process holds the store {path} ({error}); stop it")
    return StoreError(f"the store {path} failed: {error}")


_NOT_WRITABLE = (
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
)


def _is_no_room(error: sqlite3.Error) -> bool:
    """A full disk; a quota or a limit of file size shows as a failed write."""
    code = getattr(error, "sqlite_errorcode", None)
    return code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE)


def _names(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}


def _primary_code(error: sqlite3.Error) -> int | None:
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _statements(script: str) -> list[str]:
    """The statements of a script, one by one: executescript would commit the transaction."""
    statements, text = [], ""
    for line in script.splitlines(keepends=True):
        text += line
        if sqlite3.complete_statement(text):
            statements.append(text.strip())
            text = ""
    return [statement for statement in statements if statement]
