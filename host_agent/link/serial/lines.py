"""What a board says, line by line (firmware, warden/link_serial.py, is the other end).

    ~<n>:<piece>    a piece of a frame; n pieces follow
    ~<frame>        a whole frame
    ~?              the reply from its start, please
    ~?<n>           piece n of the reply, please
    anything else   the board's log

A line ends in "\\n" or "\\r\\n". Whatever else starts with "~" was damaged on its way.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from host_agent.link.frames import MAX_FRAME_BYTES

MAX_LINE_BYTES = MAX_FRAME_BYTES + 8
"""Room for a whole frame."""

NUDGE = b"~?\n"
"""Down: send a frame now."""
STRANGER = b"~!\n"
"""Down: that frame was of no device known here."""

_PIECE = re.compile(rb"~(\d{1,4}):([\w.-]+)")
_WHOLE = re.compile(rb"~([\w.-]+)")
_ASK = re.compile(rb"~\?(\d{0,4})")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a frame; so many are `left` to come after it."""

    left: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Whole:
    frame: bytes


@dataclass(frozen=True, slots=True)
class Ask:
    """For the piece of the reply after which so many are `left`; None: for its first."""

    left: int | None


@dataclass(frozen=True, slots=True)
class Log:
    text: bytes


Said: TypeAlias = Piece | Whole | Ask | Log


def said(line: bytes) -> Said | None:
    """What a line without its end means; None if it was damaged."""
    if not line.startswith(b"~"):
        return Log(line)
    if match := _PIECE.fullmatch(line):
        return Piece(int(match[1]), match[2])
    if match := _ASK.fullmatch(line):
        return Ask(int(match[1]) if match[1] else None)
    if match := _WHOLE.fullmatch(line):
        return Whole(match[1])
    return None


class Lines:
    """Cuts what arrives into lines, without their ends. Longer ones than MAX_LINE_BYTES are dropped
    and counted."""

    def __init__(self) -> None:
        self.too_long = 0
        self._start = bytearray()
        self._dropping = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        *ends, rest = data.split(b"\n")
        for end in ends:
            self._add(end)
            line, dropped = bytes(self._start), self._dropping
            self._start.clear()
            self._dropping = False
            if not dropped:
                yield line.removesuffix(b"\r")
        self._add(rest)

    def _add(self, part: bytes) -> None:
        if self._dropping:
            return
        self._start += part
        if len(self._start) > MAX_LINE_BYTES:
            self._start.clear()
            self._dropping = True
            self.too_long += 1
