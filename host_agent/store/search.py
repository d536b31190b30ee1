"""Looking for events: never for long, and never in the way of what else is read."""

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import msgspec

from host_agent.store import stored_events
from host_agent.store.errors import SearchTooSlow, StoreError
from host_agent.store.names import EXTERNAL, NO_BOOT
from host_agent.store.records import State, StoredEvent
from host_agent.store.schema import connect, int64

_Condition: TypeAlias = tuple[str, Sequence[object]]
"""SQL, and the values of its `?`."""

SEARCH_S = 2.0
"""A search takes no longer, and waits no longer for another one."""
MAX_TEXT = 200

_STEPS = 1000  # of SQLite's machine between two looks at the clock: some 50 us
_ESCAPE = "!"
_EVENT_ID = f"""
CASE boot WHEN {EXTERNAL} THEN device || ':x:' || printf('%016x', seq)
    WHEN {NO_BOOT} THEN NULL ELSE device || ':' || boot || ':' || seq END
"""


@dataclass(frozen=True, slots=True)
class EventSearch:
    """Events for which all of this holds: they happened at or after `since_ms`, before `until_ms`;
    their parameters (or what a board sent that was unreadable), reason, user, device or EXT_EVT_ID
    have `text` in them, A to Z as a to z; one that is a whole EXT_EVT_ID finds that event alone.
    `before_id` is the lowest row id of the page before."""

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
    conditions = list(_conditions(wanted))
    if wanted.text:
        row_id = stored_events.id_of(connection, wanted.text)
        conditions.append(_has(wanted.text) if row_id is None else ("id = ?", (row_id,)))
    where = " AND ".join(condition for condition, _ in conditions) or "true"
    values = [value for _, its_values in conditions for value in its_values]
    rest = f"WHERE {where} ORDER BY id DESC LIMIT ?"
    return stored_events.select(connection, rest, (*values, int64(wanted.limit)))


def _conditions(wanted: EventSearch) -> Iterator[_Condition]:
    """Those that an index serves first, the text left out."""
    if wanted.device is not None:
        yield "device = ?", (wanted.device,)
    if wanted.state == "dead":
        yield "state = 'dead'", ()  # a constant: else SQLite cannot use the index events_dead
    elif wanted.state is not None:
        yield "state = ?", (wanted.state,)
    if wanted.before_id is not None:
        yield "id < ?", (int64(wanted.before_id),)
    if wanted.type is not None:
        yield "type = ?", (wanted.type,)
    if wanted.since_ms is not None:
        yield "time_ms >= ?", (int64(wanted.since_ms),)
    if wanted.until_ms is not None:
        yield "time_ms < ?", (int64(wanted.until_ms),)


def _has(text: str) -> _Condition:
    """The text is somewhere in the event."""
    columns = ["params", "reason", "user_id", "device"]
    patterns = [_pattern(text)] * len(columns)
    if ":" in text:  # costs more than all the others
        columns.append(_EVENT_ID)
        patterns.append(_pattern(text))
    as_json = msgspec.json.encode(text).decode()[1:-1]
    if as_json != text:
        columns.append("params")
        patterns.append(_pattern(as_json))
    return f"({' OR '.join(f'{column} LIKE ? ESCAPE {_ESCAPE!r}' for column in columns)})", patterns


def _pattern(text: str) -> str:
    for special in (_ESCAPE, "%", "_"):
        text = text.replace(special, _ESCAPE + special)
    return f"%{text}%"


class Searcher:
    """Searches on a connection of its own, one at a time; from any thread."""

    def __init__(self, path: Path, within_s: float = SEARCH_S) -> None:
        """Raises OSError or sqlite3.Error; `find` raises that too."""
        self._within_s = within_s
        self._connection = connect(path)
        self._searching = threading.Lock()

    def find(self, wanted: EventSearch) -> list[StoredEvent]:
        """Newest first. Raises SearchTooSlow."""
        if wanted.text and len(wanted.text) > MAX_TEXT:
            raise StoreError(f"a text to search for has at most {MAX_TEXT} characters")
        if not self._searching.acquire(timeout=self._within_s):
            raise SearchTooSlow("other searches are under way; try again")
        deadline = time.monotonic() + self._within_s
        try:
            self._connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
            return found(self._connection, wanted)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            raise SearchTooSlow(
                f"the search took longer than {self._within_s:g} s; narrow it, best to one device"
            ) from error
        finally:
            self._connection.set_progress_handler(None, 0)
            self._searching.release()

    def close(self) -> None:
        with self._searching:
            self._connection.close()
