"""Commands in their table; the open ones are held in memory."""

import logging
import sqlite3
from collections.abc import Iterable

import msgspec

from host_agent.commands import Args, Command
from host_agent.store.schema import Row, execute_values, int64

_log = logging.getLogger(__name__)

MAX_ROWS = 10_000
"""Of a device, open or settled."""

# As the fields of a Command.
_COLUMNS = "device, id, name, args, created_ms, expires_ms, sent_ms, state, result, settled_ms"
_SAVE = f"""
INSERT INTO commands ({_COLUMNS}) {{values}}
ON CONFLICT (device, id) DO UPDATE SET
    sent_ms = excluded.sent_ms, state = excluded.state, result = excluded.result,
    settled_ms = excluded.settled_ms
"""
_OPEN = f"SELECT {_COLUMNS} FROM commands WHERE state = 'open' ORDER BY device, id"  # noqa: S608  constants, here and below
_FIND = f"SELECT {_COLUMNS} FROM commands WHERE device = ? AND id = ?"  # noqa: S608
_LIST = f"""
SELECT {_COLUMNS} FROM commands WHERE (?1 IS NULL OR device = ?1)
ORDER BY created_ms DESC, id DESC LIMIT ?2
"""  # noqa: S608
_TRIM = """
DELETE FROM commands WHERE device = ?1 AND state <> 'open' AND id <=
    (SELECT id FROM commands WHERE device = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)
"""
_PURGE = """
DELETE FROM commands WHERE (device, id) IN (
    SELECT device, id FROM commands
    WHERE created_ms < ?1 AND (state <> 'open' OR expires_ms < ?1) LIMIT ?2
)
"""

_args = msgspec.json.Decoder(Args)


def load_open(connection: sqlite3.Connection) -> dict[str, tuple[Command, ...]]:
    """The open commands by device, with ascending ids. One that got damaged is never sent."""
    found: dict[str, tuple[Command, ...]] = {}
    for row in connection.execute(_OPEN):
        try:
            command = _command(row)
        except (msgspec.MsgspecError, RecursionError):
            _log.error("command %s of %s in the store cannot be read", row[1], row[0])
            continue
        found[command.device] = (*found.get(command.device, ()), command)
    return found


def last_id(connection: sqlite3.Connection, device: str) -> int:
    """The highest id that the table has of the device; 0 for none."""
    newest = connection.execute("SELECT max(id) FROM commands WHERE device = ?", (device,))
    return newest.fetchone()[0] or 0


def row(command: Command) -> Row:
    """The command as `save` takes it."""
    return (
        command.device,
        command.id,
        command.name,
        msgspec.json.encode(command.args).decode(),
        command.created_ms,
        command.expires_ms,
        command.sent_ms,
        command.state,
        command.result,
        command.settled_ms,
    )


def save(connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
    """Write commands, one row each."""
    execute_values(connection, _SAVE, list(rows))


def trim(connection: sqlite3.Connection, device: str) -> None:
    """Drop the device's oldest settled ones beyond MAX_ROWS."""
    connection.execute(_TRIM, (device, MAX_ROWS))


def find(connection: sqlite3.Connection, device: str, command_id: int) -> Command | None:
    found = connection.execute(_FIND, (device, int64(command_id))).fetchone()
    return None if found is None else _shown(found)


def stored(connection: sqlite3.Connection, device: str | None, limit: int) -> list[Command]:
    """Commands for a person, newest first."""
    return [_shown(row) for row in connection.execute(_LIST, (device, limit))]


def purge(connection: sqlite3.Connection, before_ms: int, limit: int) -> int:
    """Delete at most `limit` given before that time whose time was over then; how many."""
    return connection.execute(_PURGE, (before_ms, limit)).rowcount


def _command(row: Row) -> Command:
    device, command_id, name, args, *rest = row
    return Command(device, command_id, name, _args.decode(args), *rest)


def _shown(row: Row) -> Command:
    """With its value as it is in the table, if that got damaged."""
    try:
        return _command(row)
    except (msgspec.MsgspecError, RecursionError):
        return Command(*row)
