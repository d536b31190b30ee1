"""The real-time clock: TLS compares the dates of certificates with it, and it outlives restarts.

An ESP32 counts from 2000, the Unix port from 1970; only calendar fields pass between the two.
"""

import time

import machine

_PLAUSIBLE_YEAR = 2025
_SECONDS_FROM_1970_TO_2000 = 946684800
_rtc = getattr(machine, "RTC", None)  # the Unix port has none: there the system's clock counts


def now_ms():
    """Unix milliseconds, None if the clock was never set: it then starts in 2000 or 1970."""
    if _rtc is None:
        return time.time_ns() // 1000000
    year, month, day, _, hour, minute, second, microsecond = _rtc().datetime()
    if year < _PLAUSIBLE_YEAR:
        return None
    seconds = ((_days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
    return seconds * 1000 + microsecond // 1000


def set(unix_ms):  # noqa: A001 - read as rtc.set
    """Set the clock; without one of our own nothing happens."""
    if _rtc is None:
        return
    seconds = unix_ms // 1000
    if time.gmtime(0)[0] == 2000:
        seconds -= _SECONDS_FROM_1970_TO_2000
    year, month, day, hour, minute, second, weekday = time.gmtime(seconds)[:7]
    microsecond = unix_ms % 1000 * 1000
    _rtc().datetime((year, month, day, weekday, hour, minute, second, microsecond))


def _days(year, month, day):
    # From 1970-01-01 on. Counted from March, a year ends with its leap day.
    if month < 3:
        year -= 1
        month += 12
    leap_days = year // 4 - year // 100 + year // 400
    return year * 365 + leap_days + (month * 153 - 457) // 5 + day - 719469
