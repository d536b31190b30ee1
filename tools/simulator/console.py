"""What a board prints: kept line by line, and waited for."""

import re
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from tools.simulator.unix_port import SimulatorError

_T = TypeVar("_T")


class Console:
    """The lines of a board; `times` holds the Unix time in seconds at which each came.

    `on_line` is called with both on the thread that reads the board.
    """

    def __init__(self, on_line: Callable[[str, float], None] | None = None) -> None:
        self.lines: list[str] = []
        self.times: list[float] = []
        self._on_line = on_line
        self._news = threading.Condition()

    def wait_for(self, pattern: str, *, since: int = 0, timeout_s: float = 60) -> re.Match[str]:
        """The first console line from number `since` on that matches, else SimulatorError."""
        seen = since

        def match() -> re.Match[str] | None:
            nonlocal seen
            for line in self.lines[seen:]:
                seen += 1
                if found := re.search(pattern, line):
                    return found
            return None

        return self._wait(match, f"no line {pattern!r}", timeout_s)

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

    def said(self, line: str) -> None:
        """The board has printed a line."""
        now = time.time()
        with self._news:
            self.lines.append(line)
            self.times.append(now)
            self._news.notify_all()
        if self._on_line:
            self._on_line(line, now)

    def changed(self) -> None:
        """Something that is waited for may have happened."""
        with self._news:
            self._news.notify_all()

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
        """The board is off and all it said is read."""
        raise NotImplementedError
