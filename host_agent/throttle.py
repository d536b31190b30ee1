"""Keeps a repeating warning from flooding the log."""

import time
from collections.abc import Callable


class Throttle:
    """Lets one thing per key through every `interval_s` seconds. Keys are remembered: few, such as
    device names."""

    def __init__(self, interval_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval_s = interval_s
        self._clock = clock
        self._last: dict[str, float] = {}

    def allows(self, key: str) -> bool:
        now = self._clock()
        last = self._last.get(key)
        if last is not None and now - last < self._interval_s:
            return False
        self._last[key] = now
        return True
