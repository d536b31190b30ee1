"""Events in their table: what goes in, what waits, what became of it."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from typing import NamedTuple

import msgspec

from host_agent.store.names import EXTERNAL
from host_agent.store.records import (
    BadEvent,
    Caller,
    CapturedEvent,
    Dead,
    Delivered,
    Device,
    ExternalEvent,
    ExternalParams,
    Outgoing,
    Params,
    Retry,
    Settled,
    Stats,
)
from host_agent.store.schema import Row, execute_values

# A conflict can only be a bad event known by its content, or an event from before a rescue.
_ADD = """
INSERT INTO events (id, device, boot, seq, type, params, bytes, time_ms, time_source, accepted_ms,
    stored_ms, state, reason, settled_ms) {values}
ON CONFLICT (device, boot, seq) DO NOTHING
"""
CALLER = "source_ip, user_agent, user_id, session_id, api_key_id, group_id"
"""As the fields of a Caller."""
_ADD_EXTERNAL = f"""
INSERT INTO events (id, device, boot, seq, type, params, bytes, time_ms, time_source, accepted_ms,
    stored_ms, state, {CALLER}) {{values}}
"""
_CALLER_OF = f"SELECT {CALLER} FROM events WHERE id = ?"  # noqa: S608  a constant, here and below
_PENDING = """
SELECT id, devices.type, "group", events.boot, seq, events.type, params, time_ms, attempts,
    first_attempt_ms, next_ms
FROM events INDEXED BY events_pending JOIN devices ON name = device
WHERE device = ? AND state = 'pending' AND id > ? ORDER BY id LIMIT ?
"""
_SETTLE = """
WITH outcomes (id, state, attempts, first_attempt_ms, next_ms, reason, settled_ms) AS ({values})
UPDATE events SET
    state = outcomes.state,
    attempts = coalesce(outcomes.attempts, events.attempts),
    first_attempt_ms = coalesce(outcomes.first_attempt_ms, events.first_attempt_ms),
    next_ms = coalesce(outcomes.next_ms, events.next_ms),
    reason = outcomes.reason,
    settled_ms = outcomes.settled_ms
FROM outcomes WHERE events.id = outcomes.id AND events.state = 'pending'
"""
_RETRY_DEAD = """
UPDATE events SET
    state = 'pending', attempts = 0, first_attempt_ms = NULL, next_ms = 0, reason = '',
    settled_ms = NULL
WHERE id IN (
    SELECT id FROM events INDEXED BY events_dead WHERE state = 'dead' AND id > ?3
        AND type IS NOT NULL
        AND (?1 IS NULL OR device = ?1)
        AND (?2 IS NULL OR id IN (SELECT value FROM json_each(?2)))
    ORDER BY id LIMIT ?4
) RETURNING id
"""
_LAST_ID = """
SELECT max(
    coalesce((SELECT CAST(seq AS INTEGER) FROM sqlite_sequence WHERE name = 'events'), 0),
    coalesce((SELECT max(id) FROM events), 0)
)
"""
# `state <> 'pending'`: without it SQLite does not see that the partial index events_settled covers
# the query, for the state is a parameter.
_PURGE = """
DELETE FROM events WHERE id IN (
    SELECT id FROM events WHERE state = ? AND state <> 'pending' AND settled_ms < ? LIMIT ?
)
"""

_params_decoder = msgspec.json.Decoder(Params)
_external_decoder = msgspec.json.Decoder(ExternalParams)


class Waiting(NamedTuple):
    """What counts against the limits: events pending or dead, and their bytes."""

    events: int
    bytes: int


def new_row(
    row_id: int, device: str, event: CapturedEvent | BadEvent, accepted_ms: int, stored_ms: int
) -> Row:
    """The event as `add` takes it. Raises UnicodeError for text that is not valid Unicode."""
    times = (accepted_ms, stored_ms)
    if isinstance(event, BadEvent):
        raw = event.raw.encode("utf-8", "replace")
        reason = event.reason.encode("utf-8", "replace").decode()
        unreadable = (None, raw.decode(), len(raw), accepted_ms, "arrival", *times)
        return (row_id, device, event.boot, event.seq, *unreadable, "dead", reason, accepted_ms)
    params = msgspec.json.encode(event.params)
    size = len(params) + len(event.type.encode())
    columns = (event.type, params.decode(), size, event.time_ms, event.time_source, *times)
    return (row_id, device, event.boot, event.seq, *columns, "pending", "", None)


def size_of(row: Row) -> int:
    """The bytes of a row of `new_row` that count against the limits."""
    size: int = row[6]
    return size


def outgoing(row_id: int, device: Device, event: CapturedEvent) -> Outgoing:
    """A new event as delivery takes it."""
    return Outgoing(
        id=row_id,
        device=device.name,
        device_type=device.type,
        group=device.group,
        boot=event.boot,
        seq=event.seq,
        type=event.type,
        params=event.params,
        time_ms=event.time_ms,
    )


def external_row(row_id: int, seq: int, event: ExternalEvent, now_ms: int) -> Row:
    """The event as `add_external` takes it. Raises UnicodeError as `new_row`."""
    caller: Row = astuple(event.caller)
    params = msgspec.json.encode(event.params)
    texts = (event.type, *(text for text in caller if text is not None))
    size = len(params) + sum(len(text.encode()) for text in texts)
    what = (event.type, params.decode(), size, event.time_ms, "agent", now_ms, now_ms, "pending")
    return (row_id, event.device, EXTERNAL, seq, *what, *caller)


def outgoing_external(row_id: int, device: Device, seq: int, event: ExternalEvent) -> Outgoing:
    """A new external event as delivery takes it."""
    return Outgoing(
        id=row_id,
        device=device.name,
        device_type=device.type,
        group=device.group,
        boot=EXTERNAL,
        seq=seq,
        type=event.type,
        params=event.params,
        time_ms=event.time_ms,
        caller=event.caller,
    )


def add(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Insert rows of `new_row`."""
    execute_values(connection, _ADD, rows)


def add_external(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Insert rows of `external_row`."""
    execute_values(connection, _ADD_EXTERNAL, rows)


def settle(
    connection: sqlite3.Connection, outcomes: Iterable[Delivered | Retry | Dead], now_ms: int
) -> None:
    """Record what became of pending events; outcomes of others are ignored."""
    execute_values(connection, _SETTLE, [_outcome(outcome, now_ms) for outcome in outcomes])


def _outcome(outcome: Delivered | Retry | Dead, now_ms: int) -> Row:
    match outcome:
        case Delivered(id=row_id, at_ms=at_ms):
            return (row_id, "delivered", None, None, None, "", at_ms)
        case Dead(id=row_id, reason=reason):
            return (row_id, "dead", None, None, None, reason, now_ms)
        case Retry(id=row_id, attempts=attempts, first_attempt_ms=first, next_ms=due):
            return (row_id, "pending", attempts, first, due, outcome.reason, None)


def last_id(connection: sqlite3.Connection) -> int:
    """The highest id ever given; the highest of those that are there, if SQLite's note of it got
    damaged."""
    row = connection.execute(_LAST_ID).fetchone()
    return int(row[0])


def waiting(connection: sqlite3.Connection) -> Waiting:
    """What counts against the limits now."""
    row = connection.execute(
        "SELECT sum(events), sum(bytes) FROM totals WHERE state <> 'delivered'"
    ).fetchone()
    return Waiting(*row)


def devices_with_pending(connection: sqlite3.Connection) -> list[str]:
    """One look into the index per device, however long the backlog."""
    rows = connection.execute(
        "SELECT name FROM devices WHERE EXISTS (SELECT 1 FROM events INDEXED BY events_pending"
        " WHERE device = name AND state = 'pending') ORDER BY name"
    )
    return [row[0] for row in rows]


def pending(
    connection: sqlite3.Connection, device: str, after_id: int, limit: int
) -> list[Outgoing]:
    """The next events of a device that wait, by ascending id."""
    rows = connection.execute(_PENDING, (device, after_id, limit))
    return [
        Outgoing(
            id=row_id,
            device=device,
            device_type=device_type,
            group=group,
            boot=boot,
            seq=seq,
            type=type_,
            params=external_params_of(params) if boot == EXTERNAL else params_of(params),
            time_ms=time_ms,
            attempts=attempts,
            first_attempt_ms=first_attempt_ms,
            next_ms=next_ms,
            caller=_caller(connection, row_id) if boot == EXTERNAL else None,
        )
        for (
            row_id,
            device_type,
            group,
            boot,
            seq,
            type_,
            params,
            time_ms,
            attempts,
            first_attempt_ms,
            next_ms,
        ) in rows
    ]


def _caller(connection: sqlite3.Connection, row_id: int) -> Caller:
    """A query of its own, so that events of boards do not pay for it; it is made while the one that
    found the row goes on, and so sees the same state."""
    return Caller(*connection.execute(_CALLER_OF, (row_id,)).fetchone())


def params_of(text: str) -> Params | None:
    """None if the text got damaged."""
    try:
        return _params_decoder.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return None


def external_params_of(text: str) -> ExternalParams | None:
    """The same for an external event."""
    try:
        return _external_decoder.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return None


def retry_dead(
    connection: sqlite3.Connection,
    ids: Sequence[int] | None,
    device: str | None,
    after_id: int,
    limit: int,
) -> list[int]:
    """At most `limit` dead letters back to pending, as if new; those unreadable stay. Their ids,
    the lowest above `after_id`."""
    chosen = None if ids is None else msgspec.json.encode(list(ids)).decode()
    rows = connection.execute(_RETRY_DEAD, (device, chosen, after_id, limit))
    return [row_id for (row_id,) in rows]


def purge(connection: sqlite3.Connection, state: Settled, before_ms: int, limit: int) -> int:
    """Delete at most `limit` events that were delivered, or died, before that time; how many."""
    return connection.execute(_PURGE, (state, before_ms, limit)).rowcount


def stats(connection: sqlite3.Connection) -> Stats:
    """Totals are kept by triggers, so this is cheap with any backlog."""
    totals = {
        state: (events, size)
        for state, events, size in connection.execute("SELECT state, events, bytes FROM totals")
    }
    oldest = connection.execute(
        "SELECT min(accepted_ms) FROM events WHERE id IN ("
        "SELECT (SELECT min(id) FROM events INDEXED BY events_pending"
        " WHERE device = name AND state = 'pending') FROM devices)"
    ).fetchone()
    return Stats(
        pending=totals["pending"][0],
        dead=totals["dead"][0],
        delivered=totals["delivered"][0],
        bytes=totals["pending"][1] + totals["dead"][1],
        oldest_pending_ms=oldest[0],
    )
