"""A board's prompt over a serial port, by `mpremote`'s Python transport."""

import ast
import contextlib
import io
import re
import struct
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from typing import Any

from mpremote.transport import (  # type: ignore[import-untyped]
    TransportError,
    TransportExecError,
)
from mpremote.transport_serial import SerialTransport  # type: ignore[import-untyped]
from serial import SerialException

from tools.board.errors import BoardError, BoardFull, BoardLost, BoardRefused
from tools.board.facts import Facts, facts
from tools.board.line import Line

_BAUD = 115200
_OPEN_S = 3.0
"""For another program to let go of the port: ModemManager looks at every new one."""
_READ_S = 2.0
"""For a single raw read of mpremote, which would wait for ever."""
_PROMPT_S = 12.0
"""For a board to come to its prompt: some boot for seconds after the port was opened."""
_ATTEMPT_S = 0.6
_ENTER_S = 20.0
_RUN_S = 60.0
_CHUNK = 2048
"""Bytes of a file in one piece of code: few turns on the line, and little heap on the board."""
_UPLOAD_MS = 600000
_GARBLED = (struct.error, IndexError, ValueError, TypeError, AssertionError, SyntaxError)
"""How mpremote and `literal_eval` fail when the line garbles what the board says."""

_INTERRUPT = b"\r\x03"
_FRIENDLY = b"\r\x02"
_SOFT_RESET = b"\x04"
_PROMPT = b">>> "

_CAN_RESET = """
import machine
print("#", hasattr(machine, "reset_cause"))
"""
_REARM = f"""
import machine
if hasattr(machine, "WDT"):
    machine.WDT(timeout={_UPLOAD_MS})
"""
_FACTS = """
import gc, sys
gc.collect()
i = sys.implementation
print((sys.platform, i.version, getattr(i, "_machine", ""), getattr(i, "_mpy", 0), gc.mem_free()))
"""
_RESET = """
import machine, time
time.sleep_ms(20)
machine.reset()
"""


class Board:
    """A board that waits at its raw prompt. Every method raises BoardError."""

    def __init__(self, port: str, transport: Any, line: Line) -> None:
        self.port = port
        self.facts = Facts("", (), "", None, 0, 0)
        self._transport = transport
        self._line = line
        self._can_reset = False
        self._is_stopped = False

    def take_over(self, *, soft_reset: bool) -> None:
        """Stop what runs and come to the raw prompt, from whatever state the board is in.

        A soft reset, for which the board's memory is as after a start, is left out where it would
        end MicroPython: the Unix port's `machine` tells no reset cause.
        """
        self._is_stopped = True
        self.resync()
        self._can_reset = "# True" in self.run(_CAN_RESET)
        if soft_reset and self._can_reset:
            self.run(_REARM)
            with self._conversation(_ENTER_S):
                self._transport.enter_raw_repl(soft_reset=True)
            self.run(_REARM)
        with self._conversation(_RUN_S):
            self.facts = facts(*ast.literal_eval(self.run(_FACTS).strip()))

    def resync(self) -> None:
        """Come to the raw prompt again after a conversation went wrong; memory stays."""
        with self._conversation(_ENTER_S):
            self._interrupt()
            self._transport.enter_raw_repl(soft_reset=False)

    def run(self, code: str, seconds: float = _RUN_S) -> str:
        """What the code prints on the board. BoardRefused if it ends in an exception there,
        BoardLost if it prints for longer than that time."""
        with self._conversation(seconds):
            output: bytes = self._transport.exec(code)
        return output.decode(errors="replace").replace("\r\n", "\n")

    def write_file(self, path: str, data: bytes, progress: Callable[[int], None]) -> None:
        """Make or replace a file; its directory is there. `progress` hears of every piece's size.

        Cut short, it leaves a part of the file.
        """
        self.run(f"from binascii import a2b_base64\nf = open({path!r}, 'wb')")
        for start in range(0, len(data), _CHUNK):
            piece = data[start : start + _CHUNK]
            self.run(f"f.write(a2b_base64('{b64encode(piece).decode()}'))")
            progress(len(piece))
        self.run("f.close()")

    def read_file(self, path: str) -> bytes:
        """The bytes of a file."""
        output = self.run(
            "from binascii import b2a_base64\n"
            f"with open({path!r}, 'rb') as f:\n"
            "    while piece := f.read(384):\n"
            "        print(b2a_base64(piece).decode(), end='')\n"
        )
        with self._conversation(_RUN_S):
            return b"".join(b64decode(line, validate=True) for line in output.split())

    def reset(self) -> None:
        """Start the board anew, with its main.py; the port stays open."""
        with self._conversation(_RUN_S):
            if self._can_reset:
                self._transport.exec_raw_no_follow(_RESET)
            else:
                self._line.write(_FRIENDLY + _SOFT_RESET)
        self._transport.in_raw_repl = self._is_stopped = False

    def run_on(self) -> None:
        """Start it anew, if it is stopped and can be reached."""
        if self._is_stopped:
            with contextlib.suppress(BoardError):
                self.resync()
                self.reset()

    def exit(self) -> None:
        """Leave the board at its friendly prompt."""
        if self._transport.in_raw_repl:
            with self._conversation(_RUN_S):
                self._transport.exit_raw_repl()

    def hear(self, seconds: float) -> str:
        """What the board prints in that time, or in less if it falls silent."""
        with self._conversation(seconds + _READ_S):
            return self._line.read_for(seconds).decode(errors="replace")

    def _interrupt(self) -> None:
        """Until the friendly prompt shows. Ctrl-C ends a program, a line that somebody began and a
        raw paste; Ctrl-B leaves the raw prompt. A program may swallow both: so again and again."""
        until = time.monotonic() + _PROMPT_S
        heard = b""
        while time.monotonic() < until:
            self._line.write(_INTERRUPT)
            heard += self._line.read_for(_ATTEMPT_S / 4)
            self._line.write(_FRIENDLY)
            answer = self._line.read_for(_ATTEMPT_S, ending=_PROMPT)
            if _PROMPT in answer:
                self._line.read_for(0.1)
                return
            heard = (heard + answer)[-4096:]
        raise BoardLost(_no_prompt(self.port, heard))

    @contextlib.contextmanager
    def _conversation(self, seconds: float) -> Iterator[None]:
        """Bounded in time; every failure becomes a BoardError, and mpremote prints nothing.

        Its messages quote what came over the line, which may be a piece of a secret: they are told
        to nobody.
        """
        self._line.limit(seconds)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                yield
        except TransportExecError as error:
            raise _refused(error.error_output) from None
        except (SerialException, OSError) as error:
            raise BoardLost(
                f"the connection to the board on {self.port} broke; check the cable and its plugs,"
                " and start again"
            ) from error
        except TransportError:
            raise BoardError(_garbled(self.port)) from None
        except _GARBLED:
            raise BoardError(_garbled(self.port)) from None


@contextlib.contextmanager
def connect(port: str, *, soft_reset: bool = True) -> Iterator[Board]:
    """The board on that port, stopped and at its raw prompt; the port is closed in the end.

    `soft_reset` empties its memory first. A board that `reset` did not start anew is left at the
    friendly prompt; whatever else ends this, Ctrl-C too, starts it anew. Raises BoardError.
    """
    transport, line = _open(port)
    board = Board(port, transport, line)
    try:
        board.take_over(soft_reset=soft_reset)
        yield board
        board.exit()
    except BoardLost:
        raise
    except BaseException:
        board.run_on()
        raise
    finally:
        with contextlib.suppress(OSError):
            line.close()


def _open(port: str) -> tuple[Any, Line]:
    until = time.monotonic() + _OPEN_S
    while True:
        try:
            transport = SerialTransport(port, baudrate=_BAUD, timeout=_READ_S)
            transport.serial = line = Line(transport.serial)
            return transport, line
        except (TransportError, OSError, ValueError) as error:
            if time.monotonic() > until:
                raise BoardLost(_not_opened(port)) from error
            time.sleep(_OPEN_S / 20)


def _not_opened(port: str) -> str:
    if "://" in port:
        return f"{port} does not answer; check the address and the serial server behind it"
    return (
        f"{port} cannot be opened: another program may use it (Thonny, a terminal, mpremote);"
        " close that, or plug the board in again"
    )


def _no_prompt(port: str, heard: bytes) -> str:
    if not heard:
        return (
            f"nothing answers on {port}. Press the board's reset button and try again; a board"
            " without MicroPython needs `python -m tools.board install-micropython`"
        )
    if sum(byte < 9 or byte > 126 for byte in heard) > len(heard) / 4:
        return (
            f"what comes from {port} is no text: no board with MicroPython at {_BAUD} baud. Press"
            " its reset button and try again, or run `python -m tools.board install-micropython`"
        )
    return (
        f"the board on {port} prints, but does not stop at Ctrl-C. Press its reset button and try"
        " again at once; if that does not help: `python -m tools.board install-micropython`"
    )


def _garbled(port: str) -> str:
    return (
        f"the board on {port} was not understood; try again, with a shorter cable or another plug"
        " if it comes back"
    )


def _refused(trace: str) -> BoardRefused:
    """The last line of a traceback, and where it happened."""
    lines = trace.strip().splitlines() or ["an exception without a text"]
    if re.match(r"OSError: (28$|\[Errno 28\])", lines[-1]):
        return BoardFull("the board's flash is full; it still boots what it did before")
    return BoardRefused(f"the board says: {lines[-1]}{place_of(trace)}")


def place_of(trace: str) -> str:
    """File and line of the last traceback in what a board printed, to follow its message; "" for
    none."""
    files = [
        place for place in re.findall(r'File "([^"]+)", line (\d+)', trace) if place[0][0] != "<"
    ]
    return f" ({files[-1][0]}, line {files[-1][1]})" if files else ""
