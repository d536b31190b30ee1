"""Uptime that never wraps, and Unix time as soon as the agent has told it.

Milliseconds are kept as integers throughout: floats are single precision on ESP32.
"""

from time import ticks_diff, ticks_ms


class Clock:
    """Ask `uptime` at least once in six days: ESP32 ticks wrap at 2**30 ms."""

    def __init__(self, ticks=ticks_ms, diff=ticks_diff):
        self._ticks = ticks
        self._diff = diff
        self._last = ticks()
        self._uptime = 0
        self._epoch = None

    def uptime(self):
        """Milliseconds since the start of this program."""
        now = self._ticks()
        self._uptime += self._diff(now, self._last)
        self._last = now
        return self._uptime

    def uptime_at(self, ticks):
        """The uptime of an earlier reading of `ticks_ms`, at most six days ago."""
        now = self.uptime()
        return now - self._diff(self._last, ticks)

    def unix_ms(self, uptime):
        """Unix milliseconds of a moment of this run, None while the time is unknown."""
        return None if self._epoch is None else self._epoch + uptime

    def set(self, unix_ms, uptime):
        """It was `unix_ms` at `uptime`."""
        self._epoch = unix_ms - uptime
