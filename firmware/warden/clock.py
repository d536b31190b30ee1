"""Time on the board: ticks for the loop, uptime that never wraps, Unix time once the agent told it.

The loop compares ticks, small integers even on ESP32, where uptime becomes a big one after twelve
days and would allocate. Milliseconds are integers throughout: floats are single precision there.
"""

from time import ticks_diff, ticks_ms

_KEEP_MS = 1 << 24  # take the ticks into account long before they wrap at 2**30 ms on ESP32


class Clock:
    """`tick` at least once in six days keeps it right."""

    def __init__(self, ticks=ticks_ms, diff=ticks_diff):
        self.ticks = ticks
        self._diff = diff
        self._last = ticks()
        self._uptime = 0
        self._epoch = None

    def since(self, ticks):
        """Milliseconds since an earlier reading of `ticks`, at most six days ago."""
        return self._diff(self.ticks(), ticks)

    def between(self, earlier, later):
        """Milliseconds from one reading of `ticks` to another."""
        return self._diff(later, earlier)

    def tick(self):
        """Count the ticks before they wrap. Allocates next to never."""
        if self.since(self._last) > _KEEP_MS:
            self.uptime()

    def uptime(self):
        """Milliseconds since the start of this program."""
        now = self.ticks()
        self._uptime += self._diff(now, self._last)
        self._last = now
        return self._uptime

    def uptime_at(self, ticks):
        """The uptime of an earlier reading of `ticks`, at most six days ago."""
        now = self.uptime()
        return now - self._diff(self._last, ticks)

    def unix_ms(self, uptime):
        """Unix milliseconds of a moment of this run, None while the time is unknown."""
        return None if self._epoch is None else self._epoch + uptime

    def set(self, unix_ms, uptime):
        """It was `unix_ms` at `uptime`."""
        self._epoch = unix_ms - uptime
