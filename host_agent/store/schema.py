"""Connections to the file, and the version of its tables."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, TypeAlias

from host_agent.store.errors import StoreDamaged, StoreError, StoreFull
from host_agent.store.versions import SCRIPTS

Row: TypeAlias = tuple[Any, ...]

_BUSY_S = 10.0  # another process commits in milliseconds; longer means that it hangs
_CHECKPOINT_PAGES = 4000
_WAL_BYTES_KEPT = 64 << 20
_ROWS_PER_STATEMENT = 1000  # SQLite admits 32766 variables in a statement

VERSION = len(SCRIPTS)


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
    for script in SCRIPTS[version(connection) : to]:
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
