"""Events, commands and durations in a few words, as pages show them."""

import json
from collections.abc import Mapping

from host_agent.store import StoredEvent

_MAX_CHARACTERS = 160
_MAX_TYPE = 32


def in_short(text: str, characters: int = _MAX_CHARACTERS) -> str:
    """The beginning of a text that somebody else wrote, for a line of a list."""
    return text if len(text) <= characters else text[: characters - 1] + "…"


def value_text(value: object) -> str:
    """A value as JSON writes it, except that text stands for itself; None is nothing."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def params_text(params: Mapping[str, object]) -> str:
    """As in "pressed=true room=hall"."""
    return " ".join(f"{name}={value_text(value)}" for name, value in params.items())


def type_of(event: StoredEvent) -> str:
    """Its type, in short."""
    return in_short(event.type, _MAX_TYPE) or "unreadable"


def content_of(event: StoredEvent) -> str:
    """What it says, in short: its parameters, or what was sent in place of an event."""
    return in_short(event.raw or params_text(event.params))


def asker_of(event: StoredEvent) -> str:
    """Who caused an external event, by the best that is known; "" for an event of a board."""
    caller = event.caller
    if caller is None:
        return ""
    return in_short(caller.user_id or caller.api_key_id or caller.source_ip or "somebody", 64)


def duration(ms: int) -> str:
    """As in "12 ms", "3.4 s", "5 min 3 s", "2 h 5 min" and "3 d 4 h"; never negative."""
    if ms < 1000:
        return f"{ms} ms"
    seconds = round(ms / 1000)
    if seconds < 60:
        return f"{ms / 1000:.1f} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    if seconds < 86400:
        return f"{seconds // 3600} h {seconds % 3600 // 60} min"
    return f"{seconds // 86400} d {seconds % 86400 // 3600} h"
