"""The lock of a door: an output that is shut unless somebody was just let in."""

from machine import Pin

from warden.pins import pin


class Lock:
    """Shut from the first moment on; `open` lasts `open_ms`, if `tick` is called meanwhile.

    `settings`: `pin`, `active` ("high" or "low": the level that opens), `open_ms`.
    """

    def __init__(self, settings, clock):
        self._open_level = 1 if settings["active"] == "high" else 0
        self._open_ms = settings["open_ms"]
        self._clock = clock
        self._opened_at = None
        # The level comes with the pin: one that is set later would open the door for a moment.
        shut = 1 - self._open_level
        self._pin = pin("access.lock", settings["pin"], Pin.OUT, value=shut)

    @property
    def is_open(self):
        """Is the door free to open?"""
        return self._opened_at is not None

    def open(self):
        """Open now, for `open_ms` from now on."""
        self._opened_at = self._clock.ticks()
        self._pin.value(self._open_level)

    def tick(self):
        """Shut when the time is up."""
        if self._opened_at is not None and self._clock.since(self._opened_at) >= self._open_ms:
            self.shut()

    def shut(self):
        """Shut now, whatever was before."""
        self._pin.value(1 - self._open_level)
        self._opened_at = None
