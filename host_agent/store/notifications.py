"""What GuardianKey told by webhook: each event once, the newest ones kept."""

import sqlite3
from dataclasses import astuple

from host_agent.store.records import StoredNotification

MAX_ROWS = 10_000
MAX_TEXT = 256
"""Characters kept of a text field."""
MAX_RAW = 16 * 1024
"""A longer `raw` is left out, so that MAX_ROWS is a limit of bytes too."""

_COLUMNS = (
    "event_id, auth_group_id, user, response, risk, service, client_ip, generated_ms,"
    " received_ms, raw"
)
_ADD = f"""
INSERT INTO notifications ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (event_id) DO NOTHING
"""  # noqa: S608  constants, here and below
_LIST = f"SELECT {_COLUMNS} FROM notifications ORDER BY id DESC LIMIT ?"  # noqa: S608
_RESOLVABLE = """
SELECT json_extract(raw, '$.event_token') FROM notifications WHERE event_id = ? AND json_valid(raw)
"""
_TRIM = "DELETE FROM notifications WHERE id <= (SELECT max(id) FROM notifications) - ?"


def add(connection: sqlite3.Connection, notification: StoredNotification) -> bool:
    """Record it, and drop the oldest beyond MAX_ROWS. False if its event is there already."""
    values = [
        value[:MAX_TEXT] if isinstance(value, str) else value for value in astuple(notification)
    ]
    values[-1] = notification.raw if len(notification.raw) <= MAX_RAW else ""
    added = connection.execute(_ADD, values).rowcount == 1
    connection.execute(_TRIM, (MAX_ROWS,))
    return added


def stored(connection: sqlite3.Connection, limit: int) -> list[StoredNotification]:
    """Notifications for a person, newest first."""
    return [StoredNotification(*row) for row in connection.execute(_LIST, (limit,))]


def token(connection: sqlite3.Connection, event_id: str) -> str | None:
    """The token of an event that was told."""
    row = connection.execute(_RESOLVABLE, (event_id,)).fetchone()
    return row[0] if row and isinstance(row[0], str) else None


def purge(connection: sqlite3.Connection, before_ms: int, limit: int) -> int:
    """Delete at most `limit` that came before that time; how many."""
    return connection.execute(
        "DELETE FROM notifications WHERE id IN"
        " (SELECT id FROM notifications WHERE received_ms < ? LIMIT ?)",
        (before_ms, limit),
    ).rowcount
