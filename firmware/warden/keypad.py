"""A matrix keypad: scanned from the loop, its keys become entries. What was typed is never told."""

from time import sleep_us

from machine import Pin

from warden.pins import pin

_DEBOUNCE_MS = 20
_FORGET_MS = 5000
_LONGEST = 16  # longer than any code, so that what is cut off makes no good code of a bad one
_SETTLE_US = 5
_NONE = -1
_SEVERAL = -2


class Keypad:
    """Rows are driven low one by one; a column that follows tells the key.

    `settings`: `rows` and `columns` (pins), `keys` (row by row), `enter`, `clear`. Two keys at once
    count as `missed` and as no key, until all are released: a matrix cannot tell which they are.
    """

    def __init__(self, settings, clock):
        # Open drain: two keys of one column would else connect a high output with a low one.
        self._rows = [
            pin("access.keypad", number, Pin.OPEN_DRAIN, value=1) for number in settings["rows"]
        ]
        self._columns = [
            pin("access.keypad", number, Pin.IN, Pin.PULL_UP) for number in settings["columns"]
        ]
        self._keys = settings["keys"]
        self._enter = settings["enter"]
        self._clear = settings["clear"]
        self._clock = clock
        self._seen = self._stable = _SEVERAL  # a key that is held since the start is none
        self._seen_at = self._typed_at = clock.ticks()
        self._entry = bytearray(_LONGEST)
        self._length = 0
        self.missed = 0

    def tick(self):
        """None, or a finished entry ("code", text) of 1 to 16 characters. Quiet, no allocation."""
        key = self._settled(self._scan())
        if key != _NONE:
            return self._type(self._keys[key])
        if self._length and self._clock.since(self._typed_at) >= _FORGET_MS:
            self._forget()
        return None

    def _scan(self):
        found = _NONE
        index = 0
        for row in self._rows:
            row.value(0)
            sleep_us(_SETTLE_US)  # the column before us rises through its pull-up only
            for column in self._columns:
                if not column.value():
                    found = index if found == _NONE else _SEVERAL
                index += 1
            row.value(1)
        return found

    def _settled(self, key):
        """The key that was just pressed and held for the debounce time, else none."""
        now = self._clock.ticks()
        if key != self._seen:
            self._seen = key
            self._seen_at = now
        elif key != self._stable and self._clock.between(self._seen_at, now) >= _DEBOUNCE_MS:
            before, self._stable = self._stable, key
            if key == _SEVERAL:
                self.missed += 1
            elif before != _SEVERAL:
                return key
        return _NONE

    def _type(self, key):
        self._typed_at = self._clock.ticks()
        if key == self._enter:
            return self._finish()
        if key == self._clear:
            self._forget()
        elif self._length < _LONGEST:
            self._entry[self._length] = ord(key)
            self._length += 1
        return None

    def _finish(self):
        if not self._length:
            return None
        text = str(self._entry[: self._length], "ascii")
        self._forget()
        return "code", text

    def _forget(self):
        for n in range(_LONGEST):
            self._entry[n] = 0
        self._length = 0
