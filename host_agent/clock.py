"""The wall clock in the unit that frames, events and the store share."""

import time

_BELIEVED_MS = 2 * 3_600_000


def now_ms() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000


class PurgeClock:
    """The time for deleting what is old, asked for every hour. A clock that was set forward, maybe
    in error, is believed the next time."""

    def __init__(self) -> None:
        self._last_ms = now_ms()

    def now_ms(self) -> int:
        """Unix milliseconds, at most two hours after what the clock said the last time."""
        now = now_ms()
        believed = min(now, self._last_ms + _BELIEVED_MS)
        self._last_ms = now
        return believed
