"""What the form of the search asks for, as it stands in the page's address."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import get_args
from urllib.parse import urlencode

from host_agent.store import EventSearch, State
from host_agent.store.search import MAX_TEXT

PAGE = 50
STATES: tuple[State, ...] = get_args(State)
FIELDS = ("device", "type", "state", "text", "since", "until")

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,3})?)?")
_MAX_NAME = 128
_MAX_ROW = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Asked:
    """The fields as they came, for the form to show again; `wanted` is None if `problems` says
    what is wrong with them."""

    fields: dict[str, str]
    wanted: EventSearch | None
    problems: list[str] = field(default_factory=list)

    @property
    def is_first(self) -> bool:
        """Whether it asks for the newest events that match."""
        return self.wanted is not None and self.wanted.before_id is None

    def older_than(self, row_id: int) -> str:
        """The query of the page that follows an event."""
        kept = {name: value for name, value in self.fields.items() if value}
        return urlencode({**kept, "before": str(row_id)})


def asked(query: Mapping[str, str]) -> Asked:
    """What a query asks for; fields that it lacks, and empty ones, leave the search open."""
    fields = {name: query.get(name, "").strip() for name in FIELDS}
    problems: list[str] = []

    def text(name: str, longest: int) -> str | None:
        if len(fields[name]) > longest:
            problems.append(f"{name.capitalize()}: has at most {longest} characters")
        return fields[name] or None

    def time_ms(name: str) -> int | None:
        try:
            return _local_ms(fields[name]) if fields[name] else None
        except (ValueError, OverflowError, OSError):
            problems.append(f"{name.capitalize()}: must be a day and time like 2026-11-22T09:30")
            return None

    state = next((state for state in STATES if state == fields["state"]), None)
    if fields["state"] and state is None:
        problems.append(f"State: must be one of {', '.join(STATES)}")
    wanted = EventSearch(
        device=text("device", _MAX_NAME),
        type=text("type", _MAX_NAME),
        state=state,
        text=text("text", MAX_TEXT),
        since_ms=time_ms("since"),
        until_ms=time_ms("until"),
        before_id=_before(query.get("before", ""), problems),
        limit=PAGE + 1,
    )
    return Asked(fields, None if problems else wanted, problems)


def row_id(text: str) -> int | None:
    """A row id of the store as it is written in addresses; None for what cannot be one."""
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(_MAX_ROW))):
        return None
    return int(text) if int(text) <= _MAX_ROW else None


def _before(text: str, problems: list[str]) -> int | None:
    if not text:
        return None
    before = row_id(text)
    if before is None:
        problems.append("Before: must be the number of an event")
    return before


def _local_ms(text: str) -> int:
    """Unix ms of a time of this machine's zone, as a browser's field writes it."""
    if not _TIME.fullmatch(text):
        raise ValueError(text)
    return round(datetime.fromisoformat(text).timestamp() * 1000)
