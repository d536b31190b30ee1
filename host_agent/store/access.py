"""Access lists in their table, one row per device; all of them are held in memory."""

import logging
import sqlite3

import msgspec

from host_agent.access import AccessState
from host_agent.store.schema import Row

_log = logging.getLogger(__name__)

_SAVE = """
INSERT INTO access (device, state) VALUES (?, ?)
ON CONFLICT (device) DO UPDATE SET state = excluded.state
"""

_decoder = msgspec.json.Decoder(AccessState)


def load(connection: sqlite3.Connection) -> dict[str, AccessState]:
    """Every access list by device. One that got damaged is left out: its board keeps what it has,
    and the next change starts a new list."""
    found = {}
    for device, text in connection.execute("SELECT device, state FROM access"):
        try:
            found[device] = _decoder.decode(text)
        except (msgspec.MsgspecError, RecursionError):
            _log.error("the access list of %s in the store cannot be read; make it anew", device)
    return found


def row(device: str, state: AccessState | None) -> Row:
    """The list as `save` takes it; None drops it."""
    return (device, None if state is None else msgspec.json.encode(state).decode())


def save(connection: sqlite3.Connection, device: str, text: str | None) -> None:
    """Write a `row`."""
    if text is None:
        connection.execute("DELETE FROM access WHERE device = ?", (device,))
    else:
        connection.execute(_SAVE, (device, text))
