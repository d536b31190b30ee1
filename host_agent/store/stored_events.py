"""Events as a person sees them."""

import sqlite3
from collections.abc import Sequence

from host_agent.store.events import CALLER, external_params_of, params_of
from host_agent.store.names import EXTERNAL, NO_BOOT, event_id, split_event_id
from host_agent.store.records import Caller, Params, StoredEvent
from host_agent.store.schema import Row

_CALLER_COLUMNS = len(CALLER.split(","))
# As the fields of a StoredEvent, with those of a Caller in between.
_SELECT = f"""
SELECT id, device, boot, seq, type, params, {CALLER}, time_ms, time_source, accepted_ms, stored_ms,
    state, attempts, first_attempt_ms, next_ms, reason, settled_ms FROM events
"""  # noqa: S608  constants
_ID_OF = "SELECT id FROM events WHERE device = ? AND boot = ? AND seq = ?"


def select(
    connection: sqlite3.Connection, rest: str, values: Sequence[object]
) -> list[StoredEvent]:
    """The events that the rest of a SELECT finds, which is SQL of this package."""
    return [_stored(row) for row in connection.execute(_SELECT + rest, values)]


def find(connection: sqlite3.Connection, row_id: int) -> StoredEvent | None:
    found = select(connection, "WHERE id = ?", (row_id,))
    return found[0] if found else None


def id_of(connection: sqlite3.Connection, text: str) -> int | None:
    """The row id of the event with that EXT_EVT_ID."""
    if (parts := split_event_id(text)) is None:
        return None
    row = connection.execute(_ID_OF, parts).fetchone()
    return row[0] if row else None


def _stored(columns: Row) -> StoredEvent:
    row_id, device, boot, seq, type_, text, *rest = columns
    caller = Caller(*rest[:_CALLER_COLUMNS])
    from_board = boot not in (NO_BOOT, EXTERNAL)
    params = None if type_ is None else _params(boot, text)
    shown: Row = (
        row_id,
        device,
        boot if from_board else None,
        seq if from_board else None,
        type_ or "",
        params or {},
        text if params is None else "",
        *rest[_CALLER_COLUMNS:],
        None if boot == NO_BOOT else event_id(device, boot, seq),
        caller if boot == EXTERNAL else None,
    )
    return StoredEvent(*shown)


def _params(boot: int, text: str) -> Params | None:
    if boot != EXTERNAL:
        return params_of(text)
    params = external_params_of(text)
    return None if params is None else dict(params)
