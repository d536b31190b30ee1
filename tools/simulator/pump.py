"""What moves everything of a board on USB: one thread between its cable, chip and pins."""

import contextlib
import queue
import select
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from tools.simulator.cable import Cable
from tools.simulator.chip import POWER_ON, SOFT, WATCHDOG, Chip, greeting
from tools.simulator.pins import Pins
from tools.simulator.unix_port import SimulatorError

Begin = Callable[[int, bool, tuple[str, int]], Chip]
"""Starts MicroPython, told the reset's cause, whether in the raw REPL, and who drives its pins."""

_CHUNK = 4096
_LONGEST_LINE = 65536  # a longer one is cut on the console
_LOOK_S = 0.002  # for what no descriptor tells: room in the port, the end of a boot
_ANSWER_S = 30


@dataclass
class Counts:
    """What a board has gone through: hard resets, bytes dropped by its full input ring."""

    resets: int = 0
    dropped: int = 0


class Pump(threading.Thread):
    """A board from power on to power cut. It starts `begin` again and again, as a board resets."""

    def __init__(
        self, board: Pins, cable: Cable, begin: Begin, counts: Counts, rate: float | None
    ) -> None:
        """`rate`: bytes per second in either direction; None: as fast as it goes."""
        super().__init__(name=f"pump of {cable.port.name}", daemon=True)
        self.ready = False
        """A program or a prompt is there."""
        self.control: socket.socket | None = None
        """Leads to the board's `machine`, once a program has imported it."""
        self._board = board
        self._cable = cable
        self._begin = begin
        self._counts = counts
        self._down, self._up = _Pace(rate), _Pace(rate)
        self._watchdog = _Watchdog()
        self._asked: queue.SimpleQueue[tuple[Callable[[], None], threading.Event]]
        self._asked = queue.SimpleQueue()
        self._ending = False
        self._heard = self._line = b""
        self._server = socket.create_server(("127.0.0.1", 0))
        self._wake, self._woken = socket.socketpair()
        cable.plug()
        self._chip = self._run_chip(POWER_ON, raw=False)

    def end(self) -> None:
        """Cut the power; returns when nothing is left."""
        self._ending = True
        self._wake.send(b".")
        self.join()

    def ask(self, what: Callable[[], None]) -> None:
        """Have it done on this thread; returns when it is."""
        done = threading.Event()
        self._asked.put((what, done))
        self._wake.send(b".")
        if not done.wait(_ANSWER_S):
            raise SimulatorError("the board is stuck in its `on_line`")

    def run(self) -> None:
        try:
            while not self._ending:
                self._move()
        finally:
            self._chip.kill()
            self._cable.unplug()
            self._hang_up()
            for end in (self._server, self._wake, self._woken):
                end.close()

    def _move(self) -> None:
        """Wait until something can be done, and do it."""
        now_s = time.monotonic()
        readers: dict[int, Callable[[], None]] = {
            self._woken.fileno(): self._obey,
            self._server.fileno(): self._accept,
        }
        if self.control:
            readers[self.control.fileno()] = self._hear
        if self._cable.input is not None and self._down.pause_s(now_s) <= 0:
            readers[self._cable.input] = self._to_chip
        if not self._cable.full and self._up.pause_s(now_s) <= 0:
            readers[self._chip.output] = self._from_chip
        poll = select.poll()
        for descriptor in readers:
            poll.register(descriptor, select.POLLIN)
        for descriptor, _ in poll.poll(self._patience_ms(now_s)):
            readers[descriptor]()
        self._cable.flush()
        if not self.ready and self._chip.booted:
            self.ready = True
            self._board.changed()
        if self._watchdog.left_s(time.monotonic()) <= 0:
            self._chip.kill()
            self._restart(WATCHDOG)

    def _patience_ms(self, now_s: float) -> float | None:
        """When to look again, whatever happens."""
        pauses = [pace.pause_s(now_s) for pace in (self._down, self._up)]
        waits = [pause for pause in pauses if pause > 0]
        if self._watchdog.armed:
            waits.append(self._watchdog.left_s(now_s))
        if self._cable.waiting or not self.ready:
            waits.append(_LOOK_S)
        return max(0, min(waits)) * 1000 if waits else None

    def _to_chip(self) -> None:
        data = self._cable.get(self._down.most)
        self._down.moved(len(data))
        self._counts.dropped += self._chip.put(data)

    def _from_chip(self) -> None:
        data = self._chip.get(self._up.most)
        if data is None:
            self._restart(self._chip.reap())
        else:
            self._up.moved(len(data))
            self._print(data)

    def _print(self, data: bytes) -> None:
        self._cable.send(data)
        *lines, self._line = (self._line + data).split(b"\n")
        if len(self._line) > _LONGEST_LINE:
            lines, self._line = [*lines, self._line], b""
        for line in lines:
            self._board.said(line.decode(errors="replace").rstrip("\r"))

    def _restart(self, cause: int) -> None:
        """MicroPython has ended and starts again; the watchdog outlives a soft reset."""
        self._hang_up()
        if cause != SOFT:
            self._watchdog = _Watchdog()
            self._board.outputs.clear()
            self._counts.resets += 1
        self._chip = self._run_chip(cause, raw=cause == SOFT and self._chip.raw)

    def _run_chip(self, cause: int, *, raw: bool) -> Chip:
        self.ready = False
        self._print(greeting(cause))
        return self._begin(cause, raw, self._server.getsockname())

    def _obey(self) -> None:
        self._woken.recv(64)
        while not self._asked.empty():
            what, done = self._asked.get()
            what()
            done.set()

    def _accept(self) -> None:
        self._hang_up()
        self.control = self._server.accept()[0]
        self._board.changed()

    def _hang_up(self) -> None:
        if self.control:
            self.control.close()
        self.control, self._heard = None, b""

    def _hear(self) -> None:
        data = b""
        with contextlib.suppress(OSError):  # it was cut off
            data = self.control.recv(_CHUNK) if self.control else b""
        if not data:
            self._hang_up()
        *lines, self._heard = (self._heard + data).split(b"\n")
        for words in (line.decode().split() for line in lines):
            if words[0] == "wdt":
                self._watchdog.arm(int(words[1]) / 1000)
            elif words[0] == "fed":
                self._watchdog.feed()
            self._board.heard(words)


class _Pace:
    """How fast one direction of a UART is; `most` bytes may move at a time."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._next_s = 0.0
        self.most = max(1, int(rate / 100)) if rate else _CHUNK

    def pause_s(self, now_s: float) -> float:
        """Until the next byte may move."""
        return self._next_s - now_s

    def moved(self, count: int) -> None:
        """So many bytes have moved."""
        if self._rate:
            self._next_s = time.monotonic() + count / self._rate


class _Watchdog:
    """Bites when `machine` has told of no feeding for the time-out; it tells every 0.1 s."""

    def __init__(self) -> None:
        self._timeout_s = float("inf")
        self._fed_s = 0.0

    @property
    def armed(self) -> bool:
        return self._timeout_s < float("inf")

    def arm(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s + 0.1
        self.feed()

    def feed(self) -> None:
        self._fed_s = time.monotonic()

    def left_s(self, now_s: float) -> float:
        """Until it bites."""
        return self._fed_s + self._timeout_s - now_s
