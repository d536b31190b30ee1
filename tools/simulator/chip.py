"""An ESP32 with MicroPython behind its UART: the Unix port, with what differs supplied.

The Unix port's stdin and stdout are pipes, not a pty: it would flush a terminal's input whenever
it goes from the prompt to a program and back, and lose what an ESP32 keeps in its ring.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import termios
import time
from pathlib import Path

from tools.simulator.unix_port import HEAP, micropython

POWER_ON, HARD, WATCHDOG, SOFT = 1, 2, 3, 5
"""Reset causes, numbered as in `machine`."""

RING = 259
"""What the ESP32's stdin ring holds; it drops the rest (MicroPython, ports/esp32/uart.c)."""

_CTRL_A, _CTRL_C = b"\x01", b"\x03"
_RAW = b"raw REPL; CTRL-B to exit\r\n"
_FRIENDLY = b'Type "help()" for more information.\r\n'
_DEAF = """trap "" INT; exec "$0" "$@\""""  # until MicroPython listens: its wrapper is CPython
_BOOT = """try:
 execfile(%r)
except SystemExit:
 __import__("os").system("kill -HUP $PPID")
"""  # an ESP32 resets softly when main.py ends so; `-i` alone would go to the prompt
_MERGED_S = 0.25  # a second SIGINT before the Unix port has seen the first would end it


class Chip:
    """One run of MicroPython, from a reset to its end. Not for two threads.

    It begins with `main`, or with a prompt if there is no such file; `raw`: with the raw REPL,
    as an ESP32 after a soft reset from there. `raw` tells later which REPL it is in.
    """

    def __init__(
        self, root: Path, main: Path, cause: int, variables: dict[str, str], *, raw: bool = False
    ) -> None:
        boot = [] if raw or not main.exists() else ["-c", _BOOT % str(main)]
        theirs_in, self._stdin = os.pipe()
        self.output, theirs_out = os.pipe()
        """The descriptor that is readable when `get` has something."""
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _DEAF, micropython(), "-X", f"heapsize={HEAP}", "-i", *boot],
            cwd=root,
            env={**variables, "SIM_RESET_CAUSE": str(cause), "HOME": "/nonexistent"},
            stdin=theirs_in,
            stdout=theirs_out,
            stderr=theirs_out,
            start_new_session=True,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self.raw = raw
        self._hidden: bytes | None = b"" if raw else None
        self._tail = b""
        self._greeted = False  # there was a prompt
        self._booted = False
        self._early = False  # Ctrl-C came before there was anything to interrupt
        self._interrupted_s = 0.0
        if raw:
            os.write(self._stdin, _CTRL_A)

    def get(self, limit: int) -> bytes | None:
        """What it printed: `limit` bytes at most, before line ends grow; None: it has ended."""
        data = os.read(self.output, limit)
        if not data:
            return None
        before, self._tail = self._tail, (self._tail + data)[-64:]
        friendly, raw = (before + data).rfind(_FRIENDLY), (before + data).rfind(_RAW)
        if friendly != raw:
            self.raw, self._greeted = raw > friendly, True
        return self._shown(_with_returns(data, before[-1:]))

    def put(self, data: bytes) -> int:
        """Give it input; returns how many bytes the full ring dropped."""
        dropped = 0
        for number, piece in enumerate(data.split(_CTRL_C)):
            if number:
                dropped += self._ctrl_c()
            dropped += self._fill(piece)
        return dropped

    @property
    def booted(self) -> bool:
        """A program or a prompt is there. From then on a Ctrl-C that came early is delivered."""
        if not self._booted and (self._greeted or self._handles_interrupts()):
            self._booted = True
            if self._early:
                self._interrupt()
        return self._booted

    def kill(self) -> None:
        """End MicroPython at once, with whatever it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self.reap()

    def reap(self) -> int:
        """After its end: the cause of the reset that follows."""
        code = self._process.wait()
        os.close(self._stdin)
        os.close(self.output)
        return SOFT if code in (0, -signal.SIGHUP) else HARD

    def _shown(self, data: bytes) -> bytes:
        """Without the friendly prompt, through which the Unix port comes to the raw one."""
        if self._hidden is None:
            return data
        hidden = self._hidden + data
        start = hidden.find(_RAW)
        self._hidden = hidden if start < 0 else None
        return b"" if start < 0 else hidden[start:]

    def _fill(self, data: bytes) -> int:
        room = max(0, RING - unread(self._stdin))
        with contextlib.suppress(BrokenPipeError):  # it has ended: `get` tells
            os.write(self._stdin, data[:room])
        return max(0, len(data) - room)

    def _ctrl_c(self) -> int:
        """As the ESP32's interrupt handler: ends a program, is a key at a prompt."""
        if not self.booted:
            self._early = True
        elif not self._interrupt():
            return self._fill(_CTRL_C)
        return 0

    def _interrupt(self) -> bool:
        if time.monotonic() - self._interrupted_s < _MERGED_S and self._handles_interrupts():
            return True
        os.kill(self._process.pid, signal.SIGSTOP)  # else it could stop handling them just now
        while self._status("State")[:1] not in "TZX":
            time.sleep(0.0002)
        handles = self._handles_interrupts()
        if handles:
            os.kill(self._process.pid, signal.SIGINT)
            self._interrupted_s = time.monotonic()
        os.kill(self._process.pid, signal.SIGCONT)
        return handles

    def _handles_interrupts(self) -> bool:
        """MicroPython handles SIGINT while a program runs, and only then."""
        return bool(int(self._status("SigCgt") or "0", 16) & 1 << (signal.SIGINT - 1))

    def _status(self, field: str) -> str:
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name == field:
                return value.strip()
        return ""


def greeting(cause: int) -> bytes:
    """What an ESP32 prints at a reset: its ROM, or MicroPython."""
    if cause == SOFT:
        return b"MPY: soft reboot\r\n"
    return b"ets Jul 29 2019 12:21:46\r\n\r\nrst:%s,boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n" % (
        b"0x1 (POWERON_RESET)" if cause == POWER_ON else b"0xc (SW_CPU_RESET)"
    )


def unread(descriptor: int) -> int:
    """Bytes that wait in a pipe or terminal."""
    answer = fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4))
    return int.from_bytes(answer, "little")


def _with_returns(data: bytes, before: bytes) -> bytes:
    """Line ends as an ESP32 prints them, "\\r\\n"; the Unix port mixes both kinds."""
    whole = (before + data).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return whole[len(before.replace(b"\n", b"\r\n")) :]
