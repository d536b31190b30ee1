"""A board as a process: the Unix port runs the firmware unmodified, a socket drives its pins."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from host_agent.errors import ThingWardenError

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
PERIPHERALS = Path(__file__).resolve().parent / "board"
_T = TypeVar("_T")

HEAP = "160k"  # what an ESP32 has free at boot
KEYS = {3: "123456789*0#", 4: "123A456B789C*0#D"}
"""The keys of a keypad with so many columns, row by row, unless config.json names others."""

_FACILITY_BITS = {26: 8, 34: 16}
_HELD_S = 0.06  # a finger on a key


class SimulatorError(ThingWardenError):
    """The simulated board did not start, or did not do what was waited for."""


def micropython() -> str:
    """The Unix port's executable, which comes with the Python environment."""
    beside = Path(sys.executable).with_name("micropython")
    found = str(beside) if beside.exists() else shutil.which("micropython")
    if not found:
        raise SimulatorError("there is no `micropython`; `make` installs it into .venv")
    return found


class SimulatedBoard:
    """One board whose flash is the directory `root` (config.json, NVS, spool).

    `on_line` is called on a thread of ours with every line of its console and the Unix time in
    seconds at which it came. `millivolts` lie on analog inputs when it starts. `program` runs in
    place of the firmware's own main.py.
    """

    def __init__(
        self,
        root: Path,
        config: dict[str, Any] | None = None,
        on_line: Callable[[str, float], None] | None = None,
        millivolts: Mapping[int, float] | None = None,
        program: Path = FIRMWARE / "main.py",
    ) -> None:
        self.root = root
        self.lines: list[str] = []
        self.times: list[float] = []
        self.outputs: dict[int, int] = {}
        self._on_line = on_line
        self._millivolts = millivolts or {}
        self._program = program
        self._news = threading.Condition()
        self._done = 0
        self._process: subprocess.Popen[str] | None = None
        self._control: socket.socket | None = None
        self._threads: list[threading.Thread] = []
        root.mkdir(parents=True, exist_ok=True)
        if config is not None:
            path = root / "config.json"
            path.touch(mode=0o600)
            path.write_text(json.dumps(config))

    def start(self, *, wait: bool = True) -> None:
        """Power on. With `wait`, return when the firmware has begun its boot."""
        started = len(self.lines)
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(0.1)
            host, port = server.getsockname()
            self._process = subprocess.Popen(
                [micropython(), "-X", f"heapsize={HEAP}", str(self._program)],
                cwd=self.root,
                env={
                    **os.environ,
                    "MICROPYPATH": f"{PERIPHERALS}:.frozen",
                    "SIM_CONTROL": f"{host}:{port}",
                    "SIM_MILLIVOLTS": ",".join(f"{n}:{v:g}" for n, v in self._millivolts.items()),
                },
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
            self._spawn(self._read_console, self._process)
            self._control = _accept(server, self._process)
        if self._control:
            self._control.setblocking(True)
            self._spawn(self._read_control, self._control)
        if wait:
            self.wait_for(r"^boot \d+", since=started)

    def kill(self) -> None:
        """Cut the power (SIGKILL)."""
        if self._process:
            self._process.kill()
            self._process.wait()
        if self._control:
            self._control.close()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        if self._process and self._process.stdout:
            self._process.stdout.close()
        self._process = self._control = None

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

    def pin(self, number: int, level: int) -> None:
        """Drive an input; returns when the pin has the level."""
        self._command(f"pin {number} {level}")

    def press(self, number: int, held_s: float = _HELD_S) -> None:
        """Press and release a button that is active low."""
        self.pin(number, 0)
        time.sleep(held_s)
        self.pin(number, 1)
        time.sleep(held_s)

    def millivolts(self, number: int, value: float) -> None:
        """Put a voltage on an analog input."""
        self._command(f"adc {number} {round(value * 1000)}")

    def wifi(self, up: bool) -> None:
        """Switch the access point on or off."""
        self._command(f"wifi {int(up)}")

    def type_keys(self, text: str, keypad: Mapping[str, Any]) -> None:
        """Press keys one after another on the matrix that `access.keypad` of config.json describes.

        Returns when the last is released and the board has scanned that.
        """
        rows, columns = keypad["rows"], keypad["columns"]
        keys = keypad.get("keys") or KEYS[len(columns)]
        for number, key in enumerate(text):
            if key not in keys:
                raise SimulatorError(f"the keypad has no such key; it has {keys}")
            row, column = divmod(keys.index(key), len(columns))
            where = f"key {rows[row]} {columns[column]}"
            if number == 0:
                self._command(f"{where} 0")  # a board that just started has scanned it once by then
            self._command(f"{where} 1", held_s=_HELD_S)
            self._command(f"{where} 0", held_s=_HELD_S)

    def badge(self, d0: int, d1: int, facility: int, card: int, bits: int = 26) -> None:
        """Hold a badge to a Wiegand reader of 26 or 34 bits; returns after its last pulse."""
        self._command(f"wiegand {d0} {d1} {wiegand_frame(facility, card, bits)}")

    def wait_for(self, pattern: str, *, since: int = 0, timeout_s: float = 30) -> re.Match[str]:
        """The first console line from number `since` on that matches, else SimulatorError."""
        return self._wait(lambda: self._match(pattern, since), f"no line {pattern!r}", timeout_s)

    def wait_for_output(self, number: int, level: int, timeout_s: float = 30) -> None:
        """Until an output pin has the level."""
        self._wait(lambda: self.outputs.get(number) == level or None, f"pin {number}", timeout_s)

    @property
    def captured(self) -> list[str]:
        """Identities `boot:seq` of the events the firmware says it captured, in order."""
        return [line.split(" ", 2)[1] for line in self.lines if line.startswith("captured ")]

    def captured_before(self, at_s: float) -> list[str]:
        """Those captured before that Unix time in seconds."""
        return [
            line.split(" ", 2)[1]
            for line, time_s in zip(self.lines, self.times, strict=True)
            if line.startswith("captured ") and time_s < at_s
        ]

    def _match(self, pattern: str, since: int) -> re.Match[str] | None:
        for line in self.lines[since:]:
            if found := re.search(pattern, line):
                return found
        return None

    def _wait(self, check: Callable[[], _T | None], what: str, timeout_s: float) -> _T:
        deadline = time.monotonic() + timeout_s
        with self._news:
            while (found := check()) is None:
                left = deadline - time.monotonic()
                if left <= 0 or self._ended():
                    raise SimulatorError(f"{what}; the board's last words: {self.lines[-5:]}")
                self._news.wait(min(left, 0.2))
            return found

    def _ended(self) -> bool:
        """The process is gone and all it said is read."""
        reading = any(thread.is_alive() for thread in self._threads)
        return self._process is not None and self._process.poll() is not None and not reading

    def _command(self, line: str, held_s: float = 0) -> None:
        """Returns when the board has obeyed, after `held_s` at the earliest."""
        until = time.monotonic() + held_s
        if self._control is None:
            raise SimulatorError("the board is off")
        with self._news:
            done = self._done
        self._control.sendall(line.encode() + b"\n")
        self._wait(lambda: self._done > done or None, f"no answer to {line!r}", 30)
        time.sleep(max(0, until - time.monotonic()))

    def _spawn(self, target: Callable[..., None], argument: object) -> None:
        thread = threading.Thread(target=target, args=(argument,), daemon=True)
        thread.start()
        self._threads.append(thread)

    def _read_console(self, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            now = time.time()
            with self._news:
                self.lines.append(line.rstrip("\r\n"))
                self.times.append(now)
                self._news.notify_all()
            if self._on_line:
                self._on_line(line.rstrip("\r\n"), now)

    def _read_control(self, control: socket.socket) -> None:
        try:
            with control.makefile("r") as lines:
                for line in lines:
                    self._heard(line.split())
        except OSError:
            pass  # the board was switched off

    def _heard(self, words: list[str]) -> None:
        with self._news:
            if words[0] == "done":
                self._done += 1
            else:
                self.outputs[int(words[1])] = int(words[2])
            self._news.notify_all()


def wiegand_frame(facility: int, card: int, bits: int = 26) -> str:
    """What a reader sends for a badge, as "0" and "1": parity, facility, card, parity."""
    if bits not in _FACILITY_BITS:
        raise SimulatorError("a reader sends 26 or 34 bits")
    wide = _FACILITY_BITS[bits]
    if not (0 <= facility < 1 << wide and 0 <= card <= 0xFFFF):
        raise SimulatorError(f"{bits} bits hold facilities below {1 << wide} and cards below 65536")
    data = f"{facility:0{wide}b}{card:016b}"
    half = len(data) // 2
    even, odd = data[:half].count("1") % 2, 1 - data[half:].count("1") % 2
    return f"{even}{data}{odd}"


def _accept(
    server: socket.socket, process: "subprocess.Popen[str]", timeout_s: float = 30
) -> socket.socket | None:
    """The board's connection; None if it ended before it touched a pin (a bad config.json)."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            return server.accept()[0]
        except TimeoutError:
            if process.poll() is not None:
                return None
    raise SimulatorError(f"the board did not start within {timeout_s:g} s")
