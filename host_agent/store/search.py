"""Looking for events: never for long, and never in the way of what else is read."""

import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from host_agent.store import stored_events
from host_agent.store.errors import SearchTooSlow, StoreError
from host_agent.store.records import EXTERNAL, NO_BOOT, State, StoredEvent
from host_agent.store.schema import connect

SEARCH_S = 2.0
"""A search takes no longer, and waits no longer for another one."""
MAX_TEXT = 200

_STEPS = 1000  # of SQLite's machine between two looks at the clock: some 50 us
_EVENT_ID = f"""
CASE boot WHEN {EXTERNAL} THEN device || ':x:' || printf('%016x', seq)
    WHEN {NO_BOOT} THEN NULL ELSE device || ':' || boot || ':' || seq END
"""


@dataclass(frozen=True, slots=True)
class EventSearch:
    """Events for which all of this holds: they happened at or after `since_ms`, before `until_ms`;
    their parameters (or what a board sent that was unreadable), reason, user or EXT_EVT_ID have
    `text` in them, A to Z as a to z. `before_id` is the lowest row id of the page before."""

    device: str | None = None
    type: str | None = None
    state: State | None = None
    text: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    before_id: int | None = None
    limit: int = 50


def found(connection: sqlite3.Connection, wanted: EventSearch) -> list[StoredEvent]:
    """Newest first. Takes as long as it takes."""
    conditions: list[str] = []
    values: list[object] = []

    def require(condition: str, *its_values: object) -> None:
        conditions.append(condition)
        values.extend(its_values)

    if wanted.device is not None:
        require("device = ?", wanted.device)
    if wanted.state == "dead":
        require("state = 'dead'")  # a constant: else SQLite cannot use the index events_dead
    elif wanted.state is not None:
        require("state = ?", wanted.state)
    if wanted.before_id is not None:
        require("id < ?", int64(wanted.before_id))
    if wanted.type is not None:
        require("type = ?", wanted.type)
    if wanted.since_ms is not None:
        require("time_ms >= ?", int64(wanted.since_ms))
    if wanted.until_ms is not None:
        require("time_ms < ?", int64(wanted.until_ms))
    if wanted.text:
        plain = _pattern(wanted.text)
        in_json = _pattern(msgspec.json.encode(wanted.text).decode()[1:-1])
        require(
            f"(params LIKE ? ESCAPE '!' OR params LIKE ? ESCAPE '!' OR reason LIKE ? ESCAPE '!'"
            f" OR user_id LIKE ? ESCAPE '!' OR {_EVENT_ID} LIKE ? ESCAPE '!')",
            *(in_json, plain, plain, plain, plain),
        )
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    rest = f"{where}ORDER BY id DESC LIMIT ?"
    return stored_events.select(connection, rest, (*values, int64(wanted.limit)))


class Searcher:
    """Searches on a connection of its own, one at a time; from any thread."""

    def __init__(self, path: Path) -> None:
        """Raises OSError or sqlite3.Error, as the methods."""
        self._connection = connect(path)
        self._searching = threading.Lock()

    def find(self, wanted: EventSearch) -> list[StoredEvent]:
        """Newest first. Raises SearchTooSlow."""
        if wanted.text and len(wanted.text) > MAX_TEXT:
            raise StoreError(f"a text to search for has at most {MAX_TEXT} characters")
        if not self._searching.acquire(timeout=SEARCH_S):
            raise SearchTooSlow("other searches are under way; try again")
        deadline = time.monotonic() + SEARCH_S
        try:
            self._connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
            return found(self._connection, wanted)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            raise SearchTooSlow(
                f"the search took longer than {SEARCH_S:.0f} s; narrow it: by device, or by time"
            ) from error
        finally:
            self._connection.set_progress_handler(None, 0)
            self._searching.release()

    def close(self) -> None:
        with self._searching:
            self._connection.close()


def int64(number: int) -> int:
    """The nearest number that SQLite can take."""
    return max(-(2**63), min(number, 2**63 - 1))


def _pattern(text: str) -> str:
    for special in "!%_":
        text = text.replace(special, "!" + special)
    return f"%{text}%"
