"""What a report says: the payload of a frame, checked (DESIGN section 4).

The frame's own fields must be right or all of it is refused. Events are judged one by one: a bad
one becomes a `BadEvent` and does not hold up the others; so does a bad attempt. Unknown keys are
left to newer boards.
"""

import binascii
import json
import logging
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from host_agent.access import Held
from host_agent.commands import CommandResult
from host_agent.errors import ThingWardenError
from host_agent.link.frames import OpenedReport
from host_agent.store.records import (
    Attempt,
    BadAttempt,
    BadEvent,
    CapturedEvent,
    EventId,
    Report,
    TimeSource,
)
from host_agent.throttle import Throttle

MAX_EVENTS = 256
MAX_HEALTH_BYTES = 1024
MAX_MESSAGE_CHARACTERS = 4096
"""Of an attempt's message, in base64."""
MAX_RESULTS = 64
MAX_ERROR_CHARACTERS = 200
"""Kept of a command's error."""
CLOCK_SET_MS = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp() * 1000)
"""A board that tells an earlier time has no clock."""
CLOCK_AHEAD_MS = 24 * 60 * 60 * 1000
"""How far ahead of ours a board's clock may be."""

_Start = Annotated[int, Meta(ge=1, le=2**31 - 2**16)]  # leaves boots for the starts to come
_Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
_Number = Annotated[int, Meta(ge=0, le=2**53 - 1)]
_Taken = Annotated[int, Meta(ge=0, le=2**53 - 2**16)]  # leaves numbers for commands to come
_Name = Annotated[str, Meta(min_length=1, max_length=128)]
_Text = Annotated[str, Meta(max_length=1024)]
_Params = Annotated[dict[_Name, bool | int | float | _Text], Meta(max_length=64)]
_INT64 = range(-(2**63), 2**63)
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
"""Wrong JSON or fields, text that is not UTF-8, nesting too deep: all that decoding raises."""

_log = logging.getLogger(__name__)
_health_warnings = Throttle(60)
_access_warnings = Throttle(60)
_command_warnings = Throttle(60)


class ReportMalformed(ThingWardenError):
    """The frame is authentic but its report cannot be used as a whole."""


class _Frame(Struct):
    boot: _Start
    frame: _Count
    events: Annotated[list[Raw], Meta(max_length=MAX_EVENTS)] = []
    health: Raw = Raw()
    attempt: Raw = Raw()
    access: Raw = Raw()
    commands: Raw = Raw()
    results: Raw = Raw()


class _Event(Struct):
    id: tuple[_Count, _Count]
    type: _Name
    params: _Params = {}
    t: int | None = None
    age: int | None = None


class _Identity(Struct):
    id: tuple[_Count, _Count]


class _Attempt(Struct):
    id: _Number
    group: _Name = msgspec.field(name="authGroupId")
    message: Annotated[str, Meta(min_length=1, max_length=MAX_MESSAGE_CHARACTERS)]
    ask: bool


class _AttemptIdentity(Struct):
    id: _Number


class _Result(Struct):
    id: _Number
    ok: Literal[True] | None = None
    error: _Text | None = None

    def __post_init__(self) -> None:
        if (self.ok is None) == (self.error is None):
            raise ValueError("neither ok nor error, or both")


_frames = msgspec.json.Decoder(_Frame)
_events = msgspec.json.Decoder(_Event)
_healths = msgspec.json.Decoder(dict[str, Any])
_takens = msgspec.json.Decoder(_Taken)
_results = msgspec.json.Decoder(Annotated[list[Raw], Meta(max_length=MAX_RESULTS)])
_result = msgspec.json.Decoder(_Result)
_helds = msgspec.json.Decoder(tuple[Annotated[str, Meta(max_length=8)], _Count])


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
        health=_health(bytes(frame.health), opened.device),
        attempt=_attempt(bytes(frame.attempt)) if frame.attempt else None,
        access=_held(bytes(frame.access), opened.device) if frame.access else None,
        commanded=_commanded(bytes(frame.commands), opened.device) if frame.commands else None,
        results=_command_results(bytes(frame.results), opened.device) if frame.results else (),
    )


def _frame(payload: bytes) -> _Frame:
    try:
        return _frames.decode(payload)
    except _UNREADABLE as error:
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
    except (*_UNREADABLE, AttributeError, KeyError, TypeError):
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
    except _UNREADABLE as error:
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
    except _UNREADABLE:
        return None


def _bad(raw: bytes, identity: EventId | None, reason: str) -> BadEvent:
    boot, seq = identity or (None, None)
    return BadEvent(boot, seq, raw.decode("utf-8", "replace"), reason)


def _health(raw: bytes, device: str) -> dict[str, Any] | None:
    """A small object; anything else is dropped, it is not worth refusing events for."""
    if not raw:
        return None
    if len(raw) > MAX_HEALTH_BYTES:
        problem = f"longer than {MAX_HEALTH_BYTES} bytes"
    else:
        try:
            return _healths.decode(raw)
        except _UNREADABLE as error:
            problem = str(error)
    if _health_warnings.allows(device):
        _log.warning("health of %s left out: %s", device, problem)
    return None


def _attempt(raw: bytes) -> Attempt | BadAttempt:
    """What GuardianKey is to judge, or why it never can."""
    identity = None
    try:
        content = json.loads(raw)
        identity = msgspec.convert(content, _AttemptIdentity).id
        found = msgspec.convert(content, _Attempt)
    except _UNREADABLE as error:
        return BadAttempt(identity, str(error))
    if not found.group.isprintable() or "|" in found.group:
        return BadAttempt(identity, "authGroupId: must be printable, without '|'")
    if not _is_base64(found.message):
        return BadAttempt(identity, "message: must be base64, padded and without line breaks")
    return Attempt(found.id, found.group, found.message, found.ask)


def _is_base64(text: str) -> bool:
    """Whether it is the one way to write its bytes."""
    try:
        content = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return False
    return binascii.b2a_base64(content, newline=False).decode() == text


def _held(raw: bytes, device: str) -> Held | None:
    """The access list that the board has; left out if it is nonsense."""
    try:
        return Held(*_helds.decode(raw))
    except _UNREADABLE as error:
        if _access_warnings.allows(device):
            _log.warning("access of %s left out: %s", device, error)
        return None


def _commanded(raw: bytes, device: str) -> int | None:
    """The newest command that the board has taken; left out if it is nonsense."""
    try:
        return _takens.decode(raw)
    except _UNREADABLE as error:
        if _command_warnings.allows(device):
            _log.warning("commands of %s left out: %s", device, error)
        return None


def _command_results(raw: bytes, device: str) -> tuple[CommandResult, ...]:
    """What became of commands, without those that are nonsense."""
    found, problem = [], ""
    try:
        entries = _results.decode(raw)
    except _UNREADABLE as error:
        entries, problem = [], str(error)
    for entry in entries:
        try:
            result = _result.decode(entry)
        except _UNREADABLE as error:
            problem = str(error)
        else:
            error_text = None if result.error is None else result.error[:MAX_ERROR_CHARACTERS]
            found.append(CommandResult(result.id, error_text))
    if problem and _command_warnings.allows(device):
        _log.warning("results of %s left out: %s", device, problem)
    return tuple(found)
