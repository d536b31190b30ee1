"""Attempts and what GuardianKey said to them: a repeated one is answered from here."""

import sqlite3
from dataclasses import astuple, replace

from host_agent.store.records import AttemptVerdict, StoredAttempt
from host_agent.store.schema import Row

MAX_ROWS = 10_000
"""Of a device: one that reports without end costs the others nothing."""
MAX_ID = 256
"""Characters of an event's id and token; GuardianKey's have 64, a longer one is left out."""

# As the fields of an AttemptVerdict.
_COLUMNS = (
    "attempt, digest, response, reason, retry, risk, event_id, event_token, asked,"
    " received_ms, took_ms"
)
# A message that was not taken comes again, and its row then tells the last outcome.
_SAVE = f"""
INSERT INTO attempts (device, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (device, attempt, digest) DO UPDATE SET
    response = excluded.response, reason = excluded.reason, retry = excluded.retry,
    risk = excluded.risk, event_id = excluded.event_id, event_token = excluded.event_token,
    asked = excluded.asked, received_ms = excluded.received_ms, took_ms = excluded.took_ms
"""  # noqa: S608  constants, here and below
_FIND = f"SELECT {_COLUMNS} FROM attempts WHERE device = ? AND attempt = ? AND digest = ?"  # noqa: S608
_LIST = f"""
SELECT device, {_COLUMNS} FROM attempts WHERE (?1 IS NULL OR device = ?1)
ORDER BY id DESC LIMIT ?2
"""  # noqa: S608
_TRIM = """
DELETE FROM attempts WHERE device = ?1 AND id <=
    (SELECT id FROM attempts WHERE device = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)
"""
_RESOLVABLE = "SELECT event_token FROM attempts WHERE event_id = ? AND event_token <> '' LIMIT 1"


def save(connection: sqlite3.Connection, device: str, verdict: AttemptVerdict) -> None:
    """Record a verdict, and drop the device's oldest beyond MAX_ROWS."""
    if max(len(verdict.event_id), len(verdict.event_token)) > MAX_ID:
        verdict = replace(verdict, event_id="", event_token="")
    connection.execute(_SAVE, (device, *astuple(verdict)))
    connection.execute(_TRIM, (device, MAX_ROWS))


def find(
    connection: sqlite3.Connection, device: str, attempt: int, digest: bytes
) -> AttemptVerdict | None:
    """What became of this very attempt the last time, if it came before."""
    row = connection.execute(_FIND, (device, attempt, digest)).fetchone()
    return None if row is None else _verdict(row)


def stored(connection: sqlite3.Connection, device: str | None, limit: int) -> list[StoredAttempt]:
    """Attempts for a person, newest first."""
    rows = connection.execute(_LIST, (device, limit))
    return [StoredAttempt(name, _verdict(tuple(row))) for name, *row in rows]


def token(connection: sqlite3.Connection, event_id: str) -> str | None:
    """The token of an event that a verdict named."""
    row = connection.execute(_RESOLVABLE, (event_id,)).fetchone()
    return None if row is None else row[0]


def purge(connection: sqlite3.Connection, before_ms: int, limit: int) -> int:
    """Delete at most `limit` that came before that time; how many."""
    return connection.execute(
        "DELETE FROM attempts WHERE id IN (SELECT id FROM attempts WHERE received_ms < ? LIMIT ?)",
        (before_ms, limit),
    ).rowcount


def _verdict(row: Row) -> AttemptVerdict:
    verdict = AttemptVerdict(*row)
    return replace(verdict, retry=bool(verdict.retry), asked=bool(verdict.asked))
