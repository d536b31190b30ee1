"""What a board says on its console, live, without disturbing it."""

import contextlib
import errno
import os
import termios
import time
from collections.abc import Callable

import serial

from host_agent.text import printable
from tools.board.errors import BoardError
from tools.board.line import Line

_BAUD = 115200
_PATIENCE_S = 0.5
"""So long the rest of a line may take; a prompt is shown after that."""
_AGAIN_S = 0.2
_LONGEST = 1024
_FRAME = b"~"
_GONE = (OSError, termios.error)


def follow(port: str, tell: Callable[[str], None]) -> None:
    """Call `tell` with every line until Ctrl-C (KeyboardInterrupt); frames of the serial link are
    left out, control characters escaped. A board that is unplugged is waited for.

    Raises BoardError if the port cannot be opened at first.
    """
    try:
        console = _opened(port)
    except _GONE as error:
        raise BoardError(f"{port} cannot be opened: {why(error)}") from None
    while True:
        try:
            with contextlib.closing(console):
                _read(console, tell)
        except _GONE:
            tell(f"-- {port} is gone; waiting for it")
        console = _reopened(port)
        tell(f"-- {port} is back")


def why(error: Exception) -> str:
    """The cause of a failed opening, and what to do."""
    number = getattr(error, "errno", None)
    if number == errno.EACCES:
        return "you may not; `sudo usermod -aG dialout $USER`, then log in again"
    if number in (errno.EAGAIN, errno.EBUSY):
        return "another program has it open; end that first"
    return os.strerror(number) if number else "nothing answers there"


def _opened(port: str) -> Line:
    """DTR and RTS stay both set, as Linux sets them: a board resets only when they differ."""
    return Line(serial.serial_for_url(port, _BAUD, timeout=_PATIENCE_S, exclusive=True))


def _reopened(port: str) -> Line:
    while True:
        try:
            return _opened(port)
        except _GONE:
            time.sleep(_AGAIN_S)


def _read(console: Line, tell: Callable[[str], None]) -> None:
    pending = b""
    while True:
        piece = console.read(max(1, console.inWaiting()))
        *lines, pending = (pending + piece).split(b"\n")
        if (not piece and not pending.startswith(_FRAME)) or len(pending) > _LONGEST:
            lines, pending = [*lines, pending], b""
        for line in lines:
            text = line.rstrip(b"\r")
            if text and not text.startswith(_FRAME):
                tell(printable(text.decode("utf-8", "replace")))
