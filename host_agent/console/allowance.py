"""How often something may happen before whoever does it has to wait."""

import math
import time
from collections.abc import Callable

MAX_KEYS = 4096
"""Remembered; of more, those that used theirs longest ago are forgotten."""


class Allowance:
    """For each key `burst` times at once, and once more after every `refill_s`. Belongs to the
    event loop; `clock` counts seconds."""

    def __init__(
        self, burst: int, refill_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst = burst
        self._refill_s = refill_s
        self._clock = clock
        self._whole_at: dict[str, float] = {}
        """When a key will have all of it back; the one that was used longest ago comes first."""

    def wait_s(self, key: str) -> int:
        """How long the key has to wait; 0 if it may go on now."""
        left_s = self._whole_at.get(key, 0.0) - self._clock()
        return max(0, math.ceil(left_s - (self._burst - 1) * self._refill_s))

    def use(self, key: str) -> None:
        """It happened once more."""
        now = self._clock()
        whole_at = max(self._whole_at.pop(key, 0.0), now)
        while len(self._whole_at) >= MAX_KEYS:
            del self._whole_at[next(iter(self._whole_at))]
        self._whole_at[key] = whole_at + self._refill_s
