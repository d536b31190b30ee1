"""The wall clock in the unit that frames, events and the store share."""

import time


def now_ms() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000
