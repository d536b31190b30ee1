"""A board's log among the agent's own lines: harmless characters, short, and not too many."""

import logging
import time
from collections.abc import Callable

from host_agent.text import printable

MAX_CHARACTERS = 300
LINES_PER_S = 40
"""A board's start, with what its ROM says, is shown whole."""

_log = logging.getLogger(__name__)


class BoardLog:
    """Shows lines at INFO as `<name>: <text>`; `name` may change. What is too much in a second is
    counted and told, at the latest by `flush`."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.dropped = 0
        """Lines not shown since the start."""
        self._clock = clock
        self._second = clock()
        self._shown = 0
        self._untold = 0

    def show(self, line: bytes) -> None:
        text = printable(line[: 4 * MAX_CHARACTERS].decode("utf-8", "backslashreplace"))
        if not text.strip():
            return
        self.flush()
        if self._shown >= LINES_PER_S:
            self.dropped += 1
            self._untold += 1
            return
        self._shown += 1
        if len(text) > MAX_CHARACTERS:
            text = text[:MAX_CHARACTERS] + "..."
        _log.info("%s: %s", self.name, text)

    def flush(self) -> None:
        """Begin a new second, if it is time."""
        now = self._clock()
        if now - self._second < 1:
            return
        if self._untold:
            _log.info("%s: %d more lines of its log", self.name, self._untold)
        self._second, self._shown, self._untold = now, 0, 0
