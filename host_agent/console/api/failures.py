"""How often an address may fail to prove itself before it has to wait."""

import math
import time
from collections.abc import Callable

from host_agent.console.client import site_of

BURST = 20
"""Failures of an address at once."""
REFILL_S = 3.0
"""After that, one more after each of these."""
MAX_ADDRESSES = 4096
"""Remembered; of more, those that failed longest ago are forgotten."""


class Failures:
    """Belongs to the event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._clear_at: dict[str, float] = {}
        """When an address will have all its failures back; it failed longest ago that comes first.
        """

    def wait_s(self, address: str) -> int:
        """How long the address has to wait; 0 if it may try now."""
        left_s = self._clear_at.get(site_of(address), 0.0) - self._clock()
        return max(0, math.ceil(left_s - (BURST - 1) * REFILL_S))

    def add(self, address: str) -> None:
        """It failed."""
        site, now = site_of(address), self._clock()
        clear_at = max(self._clear_at.pop(site, 0.0), now)
        while len(self._clear_at) >= MAX_ADDRESSES:
            del self._clear_at[next(iter(self._clear_at))]
        self._clear_at[site] = clear_at + REFILL_S
