"""How one port stands, told in the log when that changes."""

import logging
import time
from collections.abc import Callable
from typing import Literal

from host_agent.link.serial.ports import is_url

RETRY_S = 5.0
"""How long to leave a port alone that cannot be opened: opening one that another program has moves
its lines (the kernel asserts DTR and RTS each time), which could spoil what that does."""

State = Literal["open", "lent", "absent", "failing"]

_log = logging.getLogger(__name__)


class Standing:
    """Nothing is told twice in a row, and a failure only when it comes again: a device that is
    plugged in gets its group a moment later, one that is pulled out is gone at the next look."""

    def __init__(self, port: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.state: State = "absent"
        self._port = port
        self._clock = clock
        self._told = ""
        self._failures = 0
        self._opened_at = 0.0
        self._try_at = 0.0

    @property
    def may_be_tried(self) -> bool:
        return self._clock() >= self._try_at

    def absent(self) -> None:
        """It is not plugged in; whatever is wrong with it next time is news."""
        self.state = "absent"
        self._told = ""
        self._failures = 0
        self._try_at = 0.0

    def lent(self) -> None:
        self.state = "lent"
        self._tell("is lent: the agent keeps away from it")

    def opened(self) -> None:
        taken_back = self.state == "lent"
        self.state = "open"
        self._opened_at = self._clock()
        if not is_url(self._port):
            self._failures = 0
        if self._failures <= 1:
            self._tell("is taken back" if taken_back else "is open")

    def stays_open(self) -> None:
        """To be called now and then while it is open."""
        if self._failures and self._has_lasted():
            self._failures = 0
            self._tell("is open")

    def broke(self, problem: str) -> None:
        """It was open. A serial server that somebody else uses may hang up at once, again and
        again: that is a failure to open it."""
        if is_url(self._port) and not self._has_lasted():
            self.failed(problem)
        else:
            self.state = "failing"
            self._tell(problem)

    def failed(self, problem: str) -> None:
        self.state = "failing"
        self._failures += 1
        if self._failures > 1:
            self._try_at = self._clock() + RETRY_S
            self._tell(problem, logging.WARNING)

    def _has_lasted(self) -> bool:
        return self._clock() - self._opened_at >= RETRY_S

    def _tell(self, what: str, level: int = logging.INFO) -> None:
        if what != self._told:
            self._told = what
            _log.log(level, "serial port %s %s", self._port, what)
