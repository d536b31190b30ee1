"""A board on a USB cable: what an ESP32 is to `mpremote`, to the agent and to a person."""

import contextlib
import queue
import select
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tools.simulator.cable import Cable
from tools.simulator.chip import POWER_ON, SOFT, WATCHDOG, Chip, greeting
from tools.simulator.pins import Pins
from tools.simulator.unix_port import (
    FIRMWARE,
    PERIPHERALS,
    SimulatorError,
    environment,
    write_config,
)

_CHUNK = 4096
_LONGEST_LINE = 4096  # a longer one is cut on the console
_TOLD_S = 0.1  # `machine` tells of feeding at most so often
_SOON_S = 0.005


class UsbBoard(Pins):
    """One board whose flash is the directory `root`; `port` is there while it is plugged.

    Its main.py runs at start, or with `firmware` the repository's, as if it were flashed. `baud`
    slows both directions down to a UART's pace. `resets` counts its hard resets (watchdog,
    machine.reset(), crash), `dropped` the bytes that the host sent into a full input ring.
    """

    def __init__(
        self,
        root: Path,
        *,
        config: dict[str, Any] | None = None,
        millivolts: Mapping[int, float] | None = None,
        baud: int | None = None,
        on_line: Callable[[str, float], None] | None = None,
        firmware: bool = False,
    ) -> None:
        super().__init__(on_line)
        write_config(root, config)
        self.root = root.resolve()
        self.port = self.root.parent / f"{self.root.name}.tty"
        self.resets = 0
        self.dropped = 0
        self._millivolts = dict(millivolts or {})
        self._firmware = firmware
        self._pump: _Pump | None = None
        self._rate = baud / 10 if baud else None

    def start(self, *, wait: bool = True) -> None:
        """Power on and plug in. With `wait`, return when a program or a prompt is there."""
        if self._pump is None:
            self._pump = pump = _Pump(self, self._rate)
            pump.start()
            if wait:
                self._wait(lambda: pump.ready or None, "the board did not start", 30)

    def kill(self) -> None:
        """Cut the power, which takes the port away too."""
        if self._pump:
            self._pump.end()
        self._pump = None

    def unplug(self) -> None:
        """Pull the cable; the board runs on."""
        self._running.ask(self._running.cable.unplug)

    def plug(self) -> None:
        """Put the cable back: a new device under the same name."""
        self._running.ask(self._running.cable.plug)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def millivolts(self, number: int, value: float) -> None:
        """Put a voltage on an analog input; it stays there when the board resets."""
        self._millivolts[number] = value
        super().millivolts(number, value)

    @property
    def _running(self) -> "_Pump":
        if self._pump is None:
            raise SimulatorError("the board is off")
        return self._pump

    def _ended(self) -> bool:
        return self._pump is None or not self._pump.is_alive()

    def _send(self, line: bytes) -> None:
        pump = self._running
        control = self._wait(lambda: pump.control, "no program of the board uses a pin", 30)
        try:
            control.sendall(line)
        except OSError as error:
            raise SimulatorError(f"the board reset before it heard {line!r}") from error


class _Pump(threading.Thread):
    """Moves bytes between cable and chip, restarts the chip, and hears its pins and watchdog."""

    def __init__(self, board: UsbBoard, rate: float | None) -> None:
        super().__init__(name=f"pump of {board.root.name}", daemon=True)
        self.ready = False
        self.control: socket.socket | None = None
        self.cable = Cable(board.port)
        self._board = board
        self._server = socket.create_server(("127.0.0.1", 0))
        self._asked: queue.SimpleQueue[tuple[Callable[[], None], threading.Event]] = (
            queue.SimpleQueue()
        )
        self._wake, self._woken = socket.socketpair()
        self._ending = False
        self._down, self._up = _Pace(rate), _Pace(rate)
        self._heard = b""
        self._line = b""
        self._watchdog_s: float | None = None
        self._fed_s = 0.0
        self.cable.plug()
        self._chip = self._begin(POWER_ON)

    def end(self) -> None:
        """Cut the power; returns when nothing is left."""
        self._ending = True
        self._wake.send(b".")
        self.join()

    def ask(self, what: Callable[[], None]) -> None:
        """Have it done on this thread."""
        done = threading.Event()
        self._asked.put((what, done))
        self._wake.send(b".")
        if not done.wait(30):
            raise SimulatorError("the board's cable does not answer")

    def run(self) -> None:
        try:
            while not self._ending:
                self._round()
        finally:
            self._chip.kill()
            self.cable.unplug()
            self._hang_up()
            for end in (self._server, self._wake, self._woken):
                end.close()

    def _round(self) -> None:
        """Wait until something can be moved, and move it."""
        now = time.monotonic()
        waits = [self._bite_s - now] if self._watchdog_s is not None else []
        readers: dict[int, Callable[[], None]] = {
            self._woken.fileno(): self._obey,
            self._server.fileno(): self._accept,
        }
        if self.control:
            readers[self.control.fileno()] = self._hear
        if self.cable.input is not None:
            if (pause := self._down.pause(now)) > 0:
                waits.append(pause)
            else:
                readers[self.cable.input] = self._to_chip
        if self.cable.waiting or not self.ready:
            waits.append(_SOON_S)
        if not self.cable.full:
            if (pause := self._up.pause(now)) > 0:
                waits.append(pause)
            else:
                readers[self._chip.output] = self._from_chip
        poll = select.poll()
        for descriptor in readers:
            poll.register(descriptor, select.POLLIN)
        ready = poll.poll(max(0, min(waits)) * 1000 if waits else None)
        for descriptor, _ in ready:
            readers[descriptor]()
        self.cable.flush()
        self._look()

    def _look(self) -> None:
        """What no descriptor tells: whether it has booted, and whether the watchdog bites."""
        if not self.ready and self._chip.booted:
            with self._board._news:
                self.ready = True
                self._board._news.notify_all()
        if self._watchdog_s is not None and time.monotonic() > self._bite_s:
            self._chip.kill()
            self._restart(WATCHDOG)

    @property
    def _bite_s(self) -> float:
        return self._fed_s + (self._watchdog_s or 0) + _TOLD_S

    def _to_chip(self) -> None:
        with contextlib.suppress(OSError):
            data = self.cable.get(self._down.most)
            self._down.moved(len(data))
            self._board.dropped += self._chip.put(data)

    def _from_chip(self) -> None:
        data = self._chip.get(self._up.most)
        if data is None:
            self._restart(self._chip.reap())
        else:
            self._up.moved(len(data))
            self._print(data)

    def _print(self, data: bytes) -> None:
        self.cable.send(data)
        *lines, self._line = (self._line + data).split(b"\n")
        if len(self._line) > _LONGEST_LINE:
            lines, self._line = [*lines, self._line], b""
        for line in lines:
            self._board._said(line.decode(errors="replace").rstrip("\r"))

    def _restart(self, cause: int) -> None:
        """MicroPython has ended and starts again."""
        if cause != SOFT:
            self._watchdog_s = None
            self._board.outputs.clear()
            self._board.resets += 1
        self._hang_up()
        self._chip = self._begin(cause, raw=cause == SOFT and self._chip.raw)

    def _begin(self, cause: int, *, raw: bool = False) -> Chip:
        board = self._board
        place = FIRMWARE if board._firmware else board.root
        variables = environment(
            self._server.getsockname(),
            board._millivolts,
            f"{FIRMWARE}:{PERIPHERALS}" if board._firmware else PERIPHERALS,
        )
        self.ready = False
        self._print(greeting(cause))
        return Chip(board.root, place / "main.py", cause, variables, raw=raw)

    def _obey(self) -> None:
        self._woken.recv(64)
        while not self._asked.empty():
            what, done = self._asked.get()
            what()
            done.set()

    def _accept(self) -> None:
        self._hang_up()
        control = self._server.accept()[0]
        with self._board._news:
            self.control = control
            self._board._news.notify_all()

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
            return
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            words = line.decode().split()
            if words[0] in ("wdt", "fed"):
                self._fed_s = time.monotonic()
            if words[0] == "wdt":
                self._watchdog_s = int(words[1]) / 1000
            self._board._heard(words)


class _Pace:
    """How fast one direction of a UART is; `most` bytes may move at a time."""

    def __init__(self, rate: float | None) -> None:
        """`rate`: bytes per second; None: unlimited."""
        self._rate = rate
        self._next_s = 0.0
        self.most = max(1, int(rate * 0.01)) if rate else _CHUNK

    def pause(self, now_s: float) -> float:
        """Seconds until the next byte may move."""
        return self._next_s - now_s

    def moved(self, count: int) -> None:
        """So many bytes moved now."""
        if self._rate:
            self._next_s = time.monotonic() + count / self._rate
