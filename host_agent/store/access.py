"""Access lists in their table, one row per device; all of them are held in memory."""

import logging
import sqlite3
from collections.abc import Iterator, Mapping

import msgspec

from host_agent.access import AccessState
from host_agent.store.schema import Row

_log = logging.getLogger(__name__)

_SAVE = """
INSERT INTO access (device, state) VALUES (?, ?)
ON CONFLICT (device) DO UPDATE SET state = excluded.state
"""

_decoder = msgspec.json.Decoder(AccessState)


def load(
    connection: sqlite3.Connection, before: Mapping[str, AccessState]
) -> dict[str, AccessState]:
    """Every access list by device. One that got damaged stays as it was `before`. If it was not
    known, it is left out: its board keeps what it has, and the next change starts a new list."""
    found = {}
    for device, state in _all(connection):
        if state is not None:
            found[device] = state
        elif device in before:
            _log.error("the access list of %s in the store cannot be read; check it", device)
            found[device] = before[device]
        else:
            _log.error("the access list of %s in the store cannot be read; make it anew", device)
    return found


def damaged(connection: sqlite3.Connection) -> list[str]:
    """The devices whose access list cannot be read."""
    return [device for device, state in _all(connection) if state is None]


def row(device: str, state: AccessState | None) -> Row:
    """The list as `save` takes it; None drops it."""
    return (device, None if state is None else msgspec.json.encode(state).decode())


def save(connection: sqlite3.Connection, device: str, text: str | None) -> None:
    """Write a `row`."""
    if text is None:
        connection.execute("DELETE FROM access WHERE device = ?", (device,))
    else:
        connection.execute(_SAVE, (device, text))


def _all(connection: sqlite3.Connection) -> Iterator[tuple[str, AccessState | None]]:
    for device, text in connection.execute("SELECT device, state FROM access"):
        try:
            yield device, _decoder.decode(text)
        except (msgspec.MsgspecError, RecursionError):
            yield device, None
