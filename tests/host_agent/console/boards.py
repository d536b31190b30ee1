"""A board as the console's store sees it, without a link in between."""

from collections.abc import Callable
from typing import Any

from host_agent.clock import now_ms
from host_agent.commands import CommandResult
from host_agent.store import BadEvent, CapturedEvent, Report, Store, StoredEvent


class Board:
    """Makes reports of a new device; `call` runs a function on the loop that the store is on."""

    def __init__(
        self, store: Store, call: Callable[..., Any], name: str = "front-door", type_: str = "Lock"
    ) -> None:
        self.name = name
        self._store = store
        self._call = call
        self._key = store.add_device(name, type_, "hq").key
        self._frame = 0
        self._seq = 0

    def report(self, *events: tuple[str, dict[str, Any]] | BadEvent, **fields: Any) -> None:
        """Events, (type, params) each, in one accepted frame."""
        self._frame += 1
        now = now_ms()
        report = Report(
            device=self.name,
            key=self._key,
            boot=1,
            frame=self._frame,
            received_ms=now,
            events=tuple(self._event(event, now) for event in events),
            **fields,
        )
        self._call(self._store.accept, report)

    def settles(self, command_id: int, error: str | None = None) -> None:
        """It was sent a command, and tells what became of it."""
        self.report(commanded=0)
        self.report(commanded=command_id, results=(CommandResult(command_id, error),))

    def newest(self) -> StoredEvent:
        return self._store.recent(self.name, 1)[0]

    def _event(self, event: tuple[str, dict[str, Any]] | BadEvent, now: int) -> Any:
        if isinstance(event, BadEvent):
            return event
        self._seq += 1
        return CapturedEvent(1, self._seq, *event, now - 2000, "board")
