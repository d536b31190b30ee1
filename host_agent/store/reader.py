"""What is read from the store's file; the rest is in memory."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

from host_agent.store import attempts as attempt_table
from host_agent.store import events as event_table
from host_agent.store import notifications as notification_table
from host_agent.store import search, stored_events
from host_agent.store.records import (
    AttemptVerdict,
    Outgoing,
    State,
    Stats,
    StoredAttempt,
    StoredEvent,
    StoredNotification,
)
from host_agent.store.schema import connect, int64
from host_agent.store.search import EventSearch, Searcher
from host_agent.store.writer import Writer

T = TypeVar("T")


class _Line:
    """A connection that one thread at a time reads by."""

    def __init__(self, path: Path, writer: Writer) -> None:
        """Raises OSError or sqlite3.Error."""
        self._writer = writer
        self._free = threading.Lock()
        self._connection = connect(path)

    def __call__(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """What `query` finds. Raises StoreError."""
        try:
            with self._free:
                return query(self._connection)
        except sqlite3.Error as error:
            raise self._writer.explain(error) from error

    def close(self) -> None:
        with self._free:
            self._connection.close()


class Reader:
    """Part of a Store; methods raise StoreError. What the event loop reads never waits for what a
    page shows."""

    def __init__(self, path: Path, writer: Writer) -> None:
        """Raises OSError or sqlite3.Error."""
        self._writer = writer
        with ExitStack() as undo:
            self._read = _Line(path, writer)
            undo.callback(self._read.close)
            self._show = _Line(path, writer)
            undo.callback(self._show.close)
            self._searcher = Searcher(path)
            undo.pop_all()

    def _close(self) -> None:
        self._searcher.close()
        self._show.close()
        self._read.close()

    # The link and delivery

    def verdict(self, device: str, attempt: int, digest: bytes) -> AttemptVerdict | None:
        """What became of this very attempt, if it came before; `digest` as in AttemptVerdict."""
        return self._read(lambda reader: attempt_table.find(reader, device, attempt, digest))

    def devices_with_pending(self) -> list[str]:
        """Names of the devices, also removed ones, with events to deliver."""
        return self._read(event_table.devices_with_pending)

    def pending(self, device: str, after_id: int, limit: int) -> list[Outgoing]:
        """The device's next events to deliver, by ascending id: the order of acceptance."""
        return self._read(lambda reader: event_table.pending(reader, device, after_id, limit))

    # People

    def events(
        self, state: State | None = None, device: str | None = None, limit: int = 50
    ) -> list[StoredEvent]:
        """Events, newest first."""
        wanted = EventSearch(device=device, state=state, limit=limit)
        return self._show(lambda reader: search.found(reader, wanted))

    def search(self, wanted: EventSearch) -> list[StoredEvent]:
        """The newest events that are wanted, newest first. Takes a moment, so not for an event
        loop. Raises SearchTooSlow rather than take long; it holds up no other call."""
        try:
            return self._searcher.find(wanted)
        except sqlite3.Error as error:
            raise self._writer.explain(error) from error

    def event(self, row_id: int) -> StoredEvent | None:
        """The event with that `id`."""
        return self._show(lambda reader: stored_events.find(reader, int64(row_id)))

    def recent(self, device: str, limit: int = 500) -> list[StoredEvent]:
        """The device's newest events, newest first; cheap with any history."""
        return self.events(device=device, limit=limit)

    def attempts(self, device: str | None = None, limit: int = 50) -> list[StoredAttempt]:
        """Access attempts that boards had relayed, newest first."""
        return self._show(lambda reader: attempt_table.stored(reader, device, limit))

    def notifications(self, limit: int = 50) -> list[StoredNotification]:
        """What GuardianKey told by webhook, newest first."""
        return self._show(lambda reader: notification_table.stored(reader, limit))

    def event_token(self, event_id: str) -> str | None:
        """What lets anybody resolve that event of GuardianKey, if it came here: a secret."""
        return self._show(
            lambda reader: (
                attempt_table.token(reader, event_id) or notification_table.token(reader, event_id)
            )
        )

    def stats(self) -> Stats:
        """Counts; cheap with any backlog."""
        return self._show(event_table.stats)
