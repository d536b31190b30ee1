"""How often somebody may try to log in: from one address, and as one user."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from host_agent.console.client import site_of

FREE_FAILURES = 5
FIRST_WAIT_S = 10
LONGEST_WAIT_S = 15 * 60
FORGET_S = 3600
MAX_KEYS = 16384
"""Addresses, users, and pairs of both that are remembered; what failed longest ago goes first."""

_Key: TypeAlias = tuple[str | None, str | None]


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
    """After FREE_FAILURES every failure doubles the wait for the next attempt; a success takes the
    user's own failures back, not those as others at the same address. Names that nobody has count
    as others do. Failures elsewhere are not held against a user at an address that the user has
    logged in from. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[_Key, _Failures] = {}
        self._at_home: set[_Key] = set()

    def wait(self, address: str, user: str) -> Wait | None:
        """None: an attempt may be made now."""
        site, name, both = _keys(address, user)
        left, new = 0.0, False
        for key in (site,) if both in self._at_home else (site, name):
            failures = self._recent(key)
            left_here = failures.last + failures.wait_s() - self._clock() if failures else 0.0
            if failures and left_here > 0:
                new = new or not failures.told
                failures.told = True
                left = max(left, left_here)
        return Wait(math.ceil(left), new) if left else None

    def begin(self, address: str, user: str) -> None:
        """An attempt counts as failed from its beginning, so that many at a time count too."""
        for key in _keys(address, user):
            failures = self._recent(key) or _Failures()
            self._failures.pop(key, None)
            self._failures[key] = _Failures(failures.count + 1, self._clock())
        while len(self._failures) > MAX_KEYS:
            del self._failures[next(iter(self._failures))]

    def succeeded(self, address: str, user: str) -> None:
        """The attempt that began last was good."""
        site, name, both = _keys(address, user)
        self._at_home.add(both)
        self._failures.pop(name, None)
        own = self._failures.pop(both, None)
        if own and site in self._failures:
            self._failures[site].count -= own.count

    def _recent(self, key: _Key) -> _Failures | None:
        failures = self._failures.get(key)
        if failures is None or self._clock() - failures.last >= FORGET_S:
            return None
        return failures


def _keys(address: str, user: str) -> tuple[_Key, _Key, _Key]:
    """Of an address, a user, and both."""
    site = site_of(address)
    return (site, None), (None, user), (site, user)
