"""Failed attempts in a row make everybody wait: from so many on, longer with each one.

Their number lives in NVS, so that cutting the power gives nobody more attempts.
"""

import struct

from esp32 import NVS

_FORMAT = "<I"
_NOT_FOUND = -0x1102  # ESP_ERR_NVS_NOT_FOUND
_LONGEST_MS = 3600000
_AGAIN_MS = 1000


class Lockout:
    """From `after` failures in a row on, each locks for `seconds`, doubled each time up to an hour.

    A start that finds so many failures locks anew. It is locked too while NVS does not read, or
    refuses to keep a failure or what a start found; a refusal is told and tried again.
    """

    def __init__(self, after, seconds, clock, nvs=None):
        self._after = after
        self._ms = seconds * 1000
        self._clock = clock
        self._nvs = nvs or NVS("access")
        self._failures = 0
        self._known = False  # is what NVS held part of `_failures`
        self._kept = False
        self._until = None  # uptime, None while free
        self._again_at = 0
        self._told = False
        self._keep()

    def failed(self):
        """Count a failed attempt. Call it before the person can know the outcome."""
        self._failures += 1
        self._lock()
        self._kept = False
        self._keep()

    def succeeded(self):
        """A good attempt: the count starts anew."""
        if self._known and self._failures:
            self._failures = 0
            self._until = None
            self._keep()
            self._kept = True  # if refused, a restart finds more failures than there were: stricter

    def left_ms(self):
        """How long nobody may try, in milliseconds; 0 when free."""
        if not self._kept and self._clock.uptime() >= self._again_at:
            self._keep()
        left = 0
        if self._until is not None:
            left = self._until - self._clock.uptime()
            if left <= 0:
                self._until = None
                left = 0
        return left if self._kept else max(left, _AGAIN_MS)

    def _keep(self):
        """Make the count durable; `_kept` tells whether it is."""
        try:
            if not self._known:
                self._failures += self._read()
                self._known = True
                self._lock()
            self._nvs.set_blob("failures", struct.pack(_FORMAT, self._failures))
            self._nvs.commit()
            self._kept = True
            self._told = False
        except OSError as error:
            self._again_at = self._clock.uptime() + _AGAIN_MS
            if not self._told:
                print("cannot keep failed attempts in NVS:", error)
            self._told = True

    def _read(self):
        record = bytearray(struct.calcsize(_FORMAT))
        try:
            self._nvs.get_blob("failures", record)
        except OSError as error:
            if error.args[0] != _NOT_FOUND:
                raise
        return struct.unpack(_FORMAT, record)[0]

    def _lock(self):
        over = self._failures - self._after
        if over >= 0:
            lasts = max(self._ms, min(_LONGEST_MS, self._ms << min(over, 12)))
            self._until = self._clock.uptime() + lasts
