"""What a report carries beside events: health, an attempt, the access list that the board has,
commands. Each is judged by itself, so that nonsense in one costs nothing else (DESIGN section 4).
"""

import binascii
import json
import logging
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from host_agent.access import Held
from host_agent.commands import CommandResult
from host_agent.store.records import Attempt, BadAttempt
from host_agent.throttle import Throttle

MAX_HEALTH_BYTES = 1024
MAX_MESSAGE_CHARACTERS = 4096
"""Of an attempt's message, in base64."""
MAX_RESULTS = 64
MAX_ERROR_CHARACTERS = 200
"""Kept of a command's error."""

UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
"""Wrong JSON or fields, text that is not UTF-8, nesting too deep: all that decoding raises."""

Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Name = Annotated[str, Meta(min_length=1, max_length=128)]
Text = Annotated[str, Meta(max_length=1024)]
_Number = Annotated[int, Meta(ge=0, le=2**53 - 1)]
_Taken = Annotated[int, Meta(ge=0, le=2**53 - 2**16)]  # leaves numbers for commands to come

_log = logging.getLogger(__name__)
_health_warnings = Throttle(60)
_access_warnings = Throttle(60)
_command_warnings = Throttle(60)


class _Attempt(Struct):
    id: _Number
    group: Name = msgspec.field(name="authGroupId")
    message: Annotated[str, Meta(min_length=1, max_length=MAX_MESSAGE_CHARACTERS)]
    ask: bool


class _AttemptIdentity(Struct):
    id: _Number


class _Result(Struct):
    id: _Number
    ok: Literal[True] | None = None
    error: Text | None = None

    def __post_init__(self) -> None:
        if (self.ok is None) == (self.error is None):
            raise ValueError("neither ok nor error, or both")


_healths = msgspec.json.Decoder(dict[str, Any])
_takens = msgspec.json.Decoder(_Taken)
_results = msgspec.json.Decoder(Annotated[list[Raw], Meta(max_length=MAX_RESULTS)])
_result = msgspec.json.Decoder(_Result)
_helds = msgspec.json.Decoder(tuple[Annotated[str, Meta(max_length=8)], Count])


def health(raw: bytes, device: str) -> dict[str, Any] | None:
    """A small object; anything else is dropped, it is not worth refusing events for."""
    if not raw:
        return None
    if len(raw) > MAX_HEALTH_BYTES:
        problem = f"longer than {MAX_HEALTH_BYTES} bytes"
    else:
        try:
            return _healths.decode(raw)
        except UNREADABLE as error:
            problem = str(error)
    if _health_warnings.allows(device):
        _log.warning("health of %s left out: %s", device, problem)
    return None


def attempt(raw: bytes) -> Attempt | BadAttempt:
    """What GuardianKey is to judge, or why it never can."""
    identity = None
    try:
        content = json.loads(raw)
        identity = msgspec.convert(content, _AttemptIdentity).id
        found = msgspec.convert(content, _Attempt)
    except UNREADABLE as error:
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


def held(raw: bytes, device: str) -> Held | None:
    """The access list that the board has; left out if it is nonsense."""
    try:
        return Held(*_helds.decode(raw))
    except UNREADABLE as error:
        if _access_warnings.allows(device):
            _log.warning("access of %s left out: %s", device, error)
        return None


def commanded(raw: bytes, device: str) -> int | None:
    """The newest command that the board has taken; left out if it is nonsense."""
    try:
        return _takens.decode(raw)
    except UNREADABLE as error:
        if _command_warnings.allows(device):
            _log.warning("commands of %s left out: %s", device, error)
        return None


def command_results(raw: bytes, device: str) -> tuple[CommandResult, ...]:
    """What became of commands, without those that are nonsense."""
    found, problem = [], ""
    try:
        entries = _results.decode(raw)
    except UNREADABLE as error:
        entries, problem = [], str(error)
    for entry in entries:
        try:
            result = _result.decode(entry)
        except UNREADABLE as error:
            problem = str(error)
        else:
            error_text = None if result.error is None else result.error[:MAX_ERROR_CHARACTERS]
            found.append(CommandResult(result.id, error_text))
    if problem and _command_warnings.allows(device):
        _log.warning("results of %s left out: %s", device, problem)
    return tuple(found)
