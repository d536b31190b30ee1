"""An ESP32 with MicroPython behind its UART: the Unix port, with what differs supplied.

The Unix port's stdin and stdout are pipes, not a pty: it would flush a terminal's input whenever
it goes from the prompt to a program and back, and lose what an ESP32 keeps in its ring.
"""

import contextlib
import ctypes
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

_AHEAD = 4096  # what it may print before that is read; the least a pipe takes, a UART takes 128
_CTRL_A, _CTRL_C = b"\x01", b"\x03"
_RAW = b"raw REPL; CTRL-B to exit\r\n"
_FRIENDLY = b'Type "help()" for more information.\r\n'
_DEAF = """trap "" INT; exec "$0" "$@\""""  # until MicroPython listens: its wrapper is CPython
_BOOT = """try:
 execfile(%r)
except SystemExit:
 __import__("os").system("kill -HUP $PPID")
"""  # an ESP32 resets softly when main.py ends so; `-i` alone would go to the prompt
_MOMENT_S = 0.02
_STARVED_S = 5.0
_LIBC = ctypes.CDLL(None)


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
        fcntl.fcntl(self.output, fcntl.F_SETPIPE_SZ, _AHEAD)
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
        if not self._booted and (self._greeted or self._main_thread()[1]):
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
        """True if a program runs; then it gets a KeyboardInterrupt.

        The Unix port raises it wherever its main thread is, an ESP32 between two bytecodes only.
        So this waits for a moment in which the program sleeps or writes, if there is one.
        """
        began_s = self._ran_s()
        deadline_s = time.monotonic() + _STARVED_S
        sleeps, handles = self._main_thread()
        while handles and not sleeps and time.monotonic() < deadline_s:
            if self._ran_s() - began_s >= _MOMENT_S:
                break
            time.sleep(0.0005)
            sleeps, handles = self._main_thread()
        if handles and not sleeps:
            os.kill(self._process.pid, signal.SIGSTOP)  # else the program could end just now
            while handles and not sleeps:
                sleeps, handles = self._main_thread()
        if handles:
            _LIBC.tgkill(self._process.pid, self._process.pid, signal.SIGINT)
        os.kill(self._process.pid, signal.SIGCONT)
        return handles

    def _ran_s(self) -> float:
        """Its time on a processor: on a busy host it may not run for long, just as it starts."""
        stat = Path(f"/proc/{self._process.pid}/schedstat").read_text()
        return int(stat.split()[0]) / 1e9

    def _main_thread(self) -> tuple[bool, bool]:
        """Is it asleep, stopped or dead, and does it handle SIGINT: while a program runs."""
        status = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        handled = int(fields.get("SigCgt", "0"), 16) >> (signal.SIGINT - 1)
        return fields["State"][0] not in "RD", bool(handled & 1)


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
