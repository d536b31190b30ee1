"""What a report says: the payload of a frame, checked (DESIGN section 4).

The frame's own fields must be right or all of it is refused. Events are judged one by one: a bad
one becomes a `BadEvent` and does not hold up the others; so does a bad attempt. Unknown keys are
left to newer boards.
"""

import json
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

from host_agent.errors import ThingWardenError
from host_agent.link.frames import OpenedReport
from host_agent.link.report_parts import (
    UNREADABLE,
    Count,
    Name,
    Text,
    attempt,
    command_results,
    commanded,
    health,
    held,
)
from host_agent.store.names import EventId
from host_agent.store.records import (
    BadEvent,
    CapturedEvent,
    Report,
    TimeSource,
)

MAX_EVENTS = 256
CLOCK_SET_MS = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp() * 1000)
"""A board that tells an earlier time has no clock."""
CLOCK_AHEAD_MS = 24 * 60 * 60 * 1000
"""How far ahead of ours a board's clock may be."""

_Start = Annotated[int, Meta(ge=1, le=2**31 - 2**16)]  # leaves boots for the starts to come
_Params = Annotated[dict[Name, bool | int | float | Text], Meta(max_length=64)]
_INT64 = range(-(2**63), 2**63)


class ReportMalformed(ThingWardenError):
    """The frame is authentic but its report cannot be used as a whole."""


class _Frame(Struct):
    boot: _Start
    frame: Count
    events: Annotated[list[Raw], Meta(max_length=MAX_EVENTS)] = []
    health: Raw = Raw()
    attempt: Raw = Raw()
    access: Raw = Raw()
    commands: Raw = Raw()
    results: Raw = Raw()


class _Event(Struct):
    id: tuple[Count, Count]
    type: Name
    params: _Params = {}
    t: int | None = None
    age: int | None = None


class _Identity(Struct):
    id: tuple[Count, Count]


_frames = msgspec.json.Decoder(_Frame)
_events = msgspec.json.Decoder(_Event)


def parse_report(opened: OpenedReport, received_ms: int) -> Report:
    """The report in an authenticated frame that arrived at `received_ms` (Unix ms)."""
    frame = _frame(opened.payload)
    events: list[CapturedEvent | BadEvent] = []
    seen: set[EventId] = set()
    newest: EventId = (-1, -1)
    for raw in map(bytes, frame.events):
        event, identity = _event(raw, frame.boot, received_ms)
        if identity is not None and identity[0] <= frame.boot:
            if identity < newest and identity not in seen:
                event = _bad(raw, None, f"id: below {list(newest)}, which came before it")
            newest = max(newest, identity)
            seen.add(identity)
        events.append(event)
    return Report(
        device=opened.device,
        key=opened.key,
        boot=frame.boot,
        frame=frame.frame,
        received_ms=received_ms,
        events=tuple(events),
        health=health(bytes(frame.health), opened.device),
        attempt=attempt(bytes(frame.attempt)) if frame.attempt else None,
        access=held(bytes(frame.access), opened.device) if frame.access else None,
        commanded=commanded(bytes(frame.commands), opened.device) if frame.commands else None,
        results=command_results(bytes(frame.results), opened.device) if frame.results else (),
    )


def _frame(payload: bytes) -> _Frame:
    try:
        return _frames.decode(payload)
    except UNREADABLE as error:
        return _loose_frame(payload, str(error))


def _loose_frame(payload: bytes, problem: str) -> _Frame:
    """A frame whose JSON is not strict, because of NaN or half a surrogate pair in one event or its
    attempt: they come apart, so that only that one is judged bad. Its health is left out."""
    try:
        content = json.loads(payload)
        if type(content["events"]) is not list:
            raise ReportMalformed(problem)
        events = [Raw(json.dumps(event).encode()) for event in content.pop("events")]
        parts = {
            name: Raw(json.dumps(content.pop(name)).encode())
            for name in ("attempt", "access", "commands", "results")
            if name in content
        }
        content.pop("health", None)
        frame = msgspec.convert(content, _Frame)
    except (*UNREADABLE, AttributeError, KeyError, TypeError):
        raise ReportMalformed(problem) from None
    if len(events) > MAX_EVENTS:
        raise ReportMalformed(f"more than {MAX_EVENTS} events")
    return msgspec.structs.replace(frame, events=events, **parts)


def _event(
    raw: bytes, boot: int, received_ms: int
) -> tuple[CapturedEvent | BadEvent, EventId | None]:
    """One event of a report of `boot`, and its id if that can be read."""
    try:
        event = _events.decode(raw)
    except UNREADABLE as error:
        identity = _identity(raw)
        return _bad(raw, identity, str(error)), identity
    reason = _objection(event, boot)
    if reason:
        return _bad(raw, event.id, reason), event.id
    time_ms, source = _time(event, boot, received_ms)
    return CapturedEvent(*event.id, event.type, event.params, time_ms, source), event.id


def _objection(event: _Event, boot: int) -> str | None:
    if event.id[0] > boot:
        return f"id: boot {event.id[0]} is after the report's boot {boot}"
    for name, value in event.params.items():
        if type(value) is int and value not in _INT64:
            return f"params: {name!r} is beyond 64 bits"
    return None


def _time(event: _Event, boot: int, received_ms: int) -> tuple[int, TimeSource]:
    """When it happened: by the board's clock, else by its age, else now."""
    latest = received_ms + CLOCK_AHEAD_MS
    if event.t is not None and CLOCK_SET_MS <= event.t <= latest:
        return event.t, "board"
    if event.age is not None and event.id[0] == boot:
        captured = received_ms - event.age
        if CLOCK_SET_MS <= captured <= received_ms:
            return captured, "age"
    return received_ms, "arrival"


def _identity(raw: bytes) -> EventId | None:
    try:
        return msgspec.convert(json.loads(raw), _Identity).id
    except UNREADABLE:
        return None


def _bad(raw: bytes, identity: EventId | None, reason: str) -> BadEvent:
    boot, seq = identity or (None, None)
    return BadEvent(boot, seq, raw.decode("utf-8", "replace"), reason)
