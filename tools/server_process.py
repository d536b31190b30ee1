"""A Python program that listens, as a process of its own: started, stopped, killed for real."""

import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from host_agent.errors import ThingWardenError

_START_S = 60
_STOP_S = 60


_FREE_PORTS = range(10_240, 32_768)


def free_port() -> int:
    """A port of this machine to listen on later. It lies below those that systems give to
    connections, one of which could take it meanwhile."""
    while True:
        port = random.choice(_FREE_PORTS)  # noqa: S311 - spreads callers only
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue


class ServerError(ThingWardenError):
    """The program did not start, or did not stop when asked to."""


class ServerProcess:
    """`python -m COMMAND`, up when it says `SAYS URL` in its output, which goes to `log`."""

    def __init__(
        self, command: Sequence[str], *, log: Path, says: str, env: Mapping[str, str] | None = None
    ) -> None:
        self.log = log
        self.address = ""
        self._command = [sys.executable, "-m", *command]
        self._says = re.compile(re.escape(says) + r" (https?://\S+)")
        self._env = {**os.environ, **(env or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it (again) and wait until it listens."""
        seen = len(self.output())
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._env,
                start_new_session=True,  # a Ctrl-C in the terminal is for whoever started it
            )
        deadline = time.monotonic() + _START_S
        while not (found := self._says.search(self.output(), seen)):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise ServerError(f"{self._command[2]} did not start: {self.output()[-800:]}")
            time.sleep(0.02)
        self.address = found[1]

    def output(self) -> str:
        """Everything it has printed so far, over all its starts."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if self._process:
            self._process.send_signal(number)

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        if self._process is None:
            return 0
        self._process.terminate()
        try:
            return self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerError(f"{self._command[2]} did not stop: {self.output()[-800:]}") from None

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process and self._process.poll() is None:
            self.stop()
