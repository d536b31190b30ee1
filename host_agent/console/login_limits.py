"""How often somebody may try to log in: from one address, and as one user."""

import ipaddress
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

FREE_FAILURES = 5
FIRST_WAIT_S = 10
LONGEST_WAIT_S = 15 * 60
FORGET_S = 3600
MAX_KEYS = 4096
"""Addresses, and users, that are remembered; the one heard of longest ago goes first."""


@dataclass
class _Failures:
    count: int = 0
    last: float = 0.0
    told: bool = False

    def wait_s(self) -> float:
        """After the last one."""
        if self.count < FREE_FAILURES:
            return 0.0
        doublings = min(self.count - FREE_FAILURES, 10)
        return float(min(FIRST_WAIT_S * 2**doublings, LONGEST_WAIT_S))


@dataclass(frozen=True)
class Wait:
    """How many seconds are to go by first; `new` the first time that this one is asked for."""

    seconds: int
    new: bool


class LoginLimits:
    """After FREE_FAILURES every failure doubles the wait for the next attempt; a success ends it.
    Names that nobody has count as others do. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[tuple[str, str], _Failures] = {}

    def wait(self, address: str, user: str) -> Wait | None:
        """None: an attempt may be made now."""
        longest, new = 0.0, False
        for key in _keys(address, user):
            if failures := self._recent(key):
                left = failures.last + failures.wait_s() - self._clock()
                if left > 0:
                    new = new or not failures.told
                    failures.told = True
                longest = max(longest, left)
        return Wait(math.ceil(longest), new) if longest > 0 else None

    def begin(self, address: str, user: str) -> None:
        """An attempt counts as failed from its beginning, so that many at a time count too."""
        for key in _keys(address, user):
            failures = self._recent(key) or _Failures()
            failures.count += 1
            failures.last = self._clock()
            failures.told = False
            self._failures.pop(key, None)
            self._failures[key] = failures
        while len(self._failures) > 2 * MAX_KEYS:
            del self._failures[next(iter(self._failures))]

    def succeeded(self, address: str, user: str) -> None:
        for key in _keys(address, user):
            self._failures.pop(key, None)

    def _recent(self, key: tuple[str, str]) -> _Failures | None:
        failures = self._failures.get(key)
        if failures is None or self._clock() - failures.last >= FORGET_S:
            return None
        return failures


def _keys(address: str, user: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("address", _site(address)), ("user", user.casefold())


def _site(address: str) -> str:
    """An IPv6 address stands for its /64, which one machine has to itself."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))
