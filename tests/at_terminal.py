"""A person at a terminal: a real pty between the test and a program."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[1]


class AtTerminal:
    """`python ARGUMENTS`, whose terminal is a pty; `shown` is all that it has shown so far."""

    def __init__(self, arguments: Sequence[object], cwd: Path, **environment: str) -> None:
        self.shown = ""
        self._read_to = 0
        self._controller, terminal = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, *(str(argument) for argument in arguments)],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(terminal)

    def answer(self, question: str, typed: str) -> None:
        """Type a line once the question was shown anew."""
        self.wait_for(question)
        self.press(typed + "\n")

    def press(self, keys: str) -> None:
        os.write(self._controller, keys.encode())

    def wait_for(self, text: str, timeout_s: float = 60) -> None:
        """Until it is shown after what was waited for last."""
        deadline = time.monotonic() + timeout_s
        while (at := self.shown.find(text, self._read_to)) < 0:
            assert self._more(deadline), f"never showed {text!r} but {self.shown!r}"
        self._read_to = at + len(text)

    def end(self, timeout_s: float = 60) -> int:
        """The exit code."""
        deadline = time.monotonic() + timeout_s
        while self._more(deadline):
            pass
        return self.process.wait(max(0.1, deadline - time.monotonic()))

    def _more(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._controller], [], [], deadline - time.monotonic())
        assert ready, f"said no more than {self.shown!r}"
        try:
            piece = os.read(self._controller, 4096)
        except OSError:  # how Linux tells that the program has ended
            return False
        self.shown += piece.decode("utf-8", "replace")
        return bool(piece)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._controller)


def _take_terminal() -> None:
    """Make standard input the controlling terminal, so that Ctrl-C arrives."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
