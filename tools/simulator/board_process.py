"""A board as a process: the Unix port runs the firmware unmodified, a socket drives its pins."""

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tools.simulator.pins import Pins
from tools.simulator.unix_port import (
    FIRMWARE,
    HEAP,
    PERIPHERALS,
    SimulatorError,
    environment,
    micropython,
    write_config,
)


class SimulatedBoard(Pins):
    """One board whose flash is the directory `root` (config.json, modules of its own, NVS, spool).

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
        super().__init__(on_line)
        self.root = root
        self._millivolts = millivolts or {}
        self._program = program
        self._process: subprocess.Popen[str] | None = None
        self._control: socket.socket | None = None
        self._threads: list[threading.Thread] = []
        write_config(root, config)

    def start(self, *, wait: bool = True) -> None:
        """Power on. With `wait`, return when the firmware has begun its boot."""
        started = len(self.lines)
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(0.1)
            self._process = subprocess.Popen(
                [micropython(), "-X", f"heapsize={HEAP}", str(self._program)],
                cwd=self.root,
                env=environment(server.getsockname(), self._millivolts, f"{PERIPHERALS}:."),
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

    def _ended(self) -> bool:
        reading = any(thread.is_alive() for thread in self._threads)
        return self._process is not None and self._process.poll() is not None and not reading

    def _send(self, line: bytes) -> None:
        if self._control is None:
            raise SimulatorError("the board is off")
        self._control.sendall(line)

    def _spawn(self, target: Callable[..., None], argument: object) -> None:
        thread = threading.Thread(target=target, args=(argument,), daemon=True)
        thread.start()
        self._threads.append(thread)

    def _read_console(self, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            self.said(line.rstrip("\r\n"))

    def _read_control(self, control: socket.socket) -> None:
        try:
            with control.makefile("r") as lines:
                for line in lines:
                    self.heard(line.split())
        except OSError:
            pass  # the board was switched off


def _accept(
    server: socket.socket, process: "subprocess.Popen[str]", timeout_s: float = 60
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
