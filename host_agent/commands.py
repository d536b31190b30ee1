"""Commands to boards: the rules, shared by the store, the link and the command line.

A command is sent in the reply to each report of its board until that tells that it has taken it, or
its time is over. The board takes a command at most once, and tells its result until it knows that
the agent has it. A command that is settled never changes again.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import msgspec

from host_agent.errors import ThingWardenError

Args: TypeAlias = bool | int | float | str | None
State: TypeAlias = Literal["open", "done", "failed", "unknown", "expired"]

MAX_OPEN = 64
"""Of a device."""
MAX_SENT = 8
"""In one reply."""
MAX_SENT_BYTES = 1000
"""Of those as JSON: they must fit into a sealed reply (DESIGN section 4, sizes). The longest single
command fits too."""
TTL_S = 60.0

_TTL_S = (1.0, 86400.0)
COMMAND_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_MAX_TEXT = 128
_UNDER_WAY_MS = 1000
"""A report that came in time may still be about to send a command."""
_INT64 = range(-(2**63), 2**63)
_INTERRUPTED = "unknown"
"""The error of a board that was interrupted between taking a command and telling its result."""


class CommandError(ThingWardenError):
    """A command that cannot be given."""


class TooManyCommands(CommandError):
    """MAX_OPEN commands wait for the device already."""

    def __init__(self, device: str) -> None:
        super().__init__(f"{MAX_OPEN} commands wait for {device} already; try again later")


@dataclass(frozen=True, slots=True)
class Command:
    """A command and what became of it; times are Unix ms. `sent_ms` is when it first left, None if
    it has not: then its board has surely not acted. `result` tells why it failed."""

    device: str
    id: int
    name: str
    args: Args
    created_ms: int
    expires_ms: int
    sent_ms: int | None = None
    state: State = "open"
    result: str = ""
    settled_ms: int | None = None


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a board tells of a command that it has taken; `error` is None if it was done."""

    id: int
    error: str | None


def new_command(
    device: str, command_id: int, name: str, args: Args, ttl_s: float, now_ms: int
) -> Command:
    """An open command. Raises CommandError for what no board is to get, whatever its type:
    an app may hand over anything."""
    if not isinstance(name, str) or not COMMAND_NAME.fullmatch(name):
        raise CommandError(
            f"{name!r} cannot be a command; use up to 64 letters, digits, '.', '_' and '-',"
            " starting with a letter"
        )
    if args is not None and not isinstance(args, bool | int | float | str):
        raise CommandError(f"{name}: its value must be a text, a number, true, false or nothing")
    if isinstance(args, str) and not (len(args) <= _MAX_TEXT and _is_unicode(args)):
        raise CommandError(f"{name}: its value must be text of at most {_MAX_TEXT} characters")
    if isinstance(args, float) and not math.isfinite(args):
        raise CommandError(f"{name}: its value must be finite")
    if isinstance(args, int) and args not in _INT64:
        raise CommandError(f"{name}: its value is beyond 64 bits")
    shortest, longest = _TTL_S
    if not isinstance(ttl_s, int | float) or not shortest <= ttl_s <= longest:
        raise CommandError(f"{name}: it must be good for {shortest:.0f} to {longest:.0f} seconds")
    return Command(device, command_id, name, args, now_ms, now_ms + round(ttl_s * 1000))


def after_report(
    before: Sequence[Command],
    taken: int | None,
    taken_before: int | None,
    results: Sequence[CommandResult],
    now_ms: int,
) -> list[Command]:
    """What became of open commands when their board reported.

    `taken` is the newest command that it says it has taken, None if it takes none; `taken_before`
    what it said in the report before. A lower one than before means that it forgot what it took.
    """
    told = {result.id: result for result in results}
    forgot = taken is not None and taken < (taken_before or 0)

    def judged(command: Command) -> Command:
        sent, result = command.sent_ms is not None, told.get(command.id)
        if sent and result is not None:
            return _told(command, result, now_ms)
        if taken is not None and command.id <= taken:
            reason = "its board did not tell" if sent else "its board is ahead of it; send it again"
            return settled(command, "unknown", reason, now_ms)
        if sent and forgot:
            return settled(command, "unknown", "its board forgot what it took", now_ms)
        if command.expires_ms <= now_ms:
            if sent and taken is None:
                return settled(command, "unknown", "its board takes no commands now", now_ms)
            return settled(command, "expired", "", command.expires_ms)
        return command

    return [judged(command) for command in before]


def sendable(commands: Sequence[Command], now_ms: int, room: int) -> list[Command]:
    """Those of the open commands, by ascending id, that a reply can take which has that many bytes
    for them."""
    chosen: list[Command] = []
    room = min(room, MAX_SENT_BYTES) - len(',"commands":[]')
    for command in commands[:MAX_SENT]:
        room -= len(msgspec.json.encode(_message(command, now_ms))) + len(",")
        if room < 0:
            break
        chosen.append(command)
    return chosen


def message_of(commands: Sequence[Command], now_ms: int) -> bytes | None:
    """What a reply says of commands, as JSON; None if the time of all is over meanwhile."""
    due = [_message(command, now_ms) for command in commands if command.expires_ms > now_ms]
    return msgspec.json.encode(due) if due else None


def as_it_stands(command: Command, now_ms: int) -> Command:
    """The command with what is certain though no report has told it: its time is over, and it was
    never sent."""
    over = command.expires_ms + _UNDER_WAY_MS <= now_ms
    if command.state == "open" and command.sent_ms is None and over:
        return settled(command, "expired", "", command.expires_ms)
    return command


def ended_with_device(command: Command, now_ms: int) -> Command:
    """An open command whose device is removed."""
    state: State = "expired" if command.sent_ms is None else "unknown"
    return settled(command, state, "its device was removed", now_ms)


def settled(command: Command, state: State, result: str, now_ms: int) -> Command:
    return replace(command, state=state, result=result, settled_ms=now_ms)


class _Message(msgspec.Struct):
    id: int
    name: str
    args: Args
    ttl_ms: int


def _message(command: Command, now_ms: int) -> _Message:
    given_ms = command.expires_ms - command.created_ms
    left_ms = min(max(command.expires_ms - now_ms, 1), given_ms)  # also when the clock was set back
    return _Message(command.id, command.name, command.args, left_ms)


def _told(command: Command, result: CommandResult, now_ms: int) -> Command:
    if result.error is None:
        return settled(command, "done", "", now_ms)
    if result.error == _INTERRUPTED:
        return settled(command, "unknown", "its board was interrupted", now_ms)
    return settled(command, "failed", result.error, now_ms)


def _is_unicode(text: str) -> bool:
    """Whether the text can be stored: no lone surrogates."""
    return text == text.encode("utf-8", "ignore").decode()
