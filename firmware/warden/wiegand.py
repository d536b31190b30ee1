"""A Wiegand badge reader: pulses on two wires, by interrupt, become badge numbers.

26 and 34 bits (SIA AC-01): even parity over the first half, odd over the second; in between the
facility and the card number.
"""

from machine import Pin

from warden.pins import pin
from warden.ring import Ring

_GAP_MS = 50
_RING = 128  # a power of two, room for two frames of 34 bits and some noise
_FACILITY = {26: 8, 34: 16}  # bits of a frame: those of its facility
_NO_PULL = 34  # from this pin on; readers have pull-ups of their own, or take resistors


class Wiegand:
    """`tick` gives the badge of each frame, 50 ms after its last bit.

    `settings`: `d0` and `d1`, the pins of the two wires. `missed` counts the frames that have
    another length, a wrong parity, or bits that found no room.
    """

    def __init__(self, settings, clock):
        self._clock = clock
        self._ring = Ring(_RING)
        self._lost_seen = 0
        self._bits = bytearray(max(_FACILITY))
        self._count = 0
        self._last_at = 0
        self.missed = 0
        for name, handler in (("d0", self._on_zero), ("d1", self._on_one)):
            number = settings[name]
            pull = (Pin.PULL_UP,) if number < _NO_PULL else ()
            wire = pin("access.wiegand." + name, number, Pin.IN, *pull)
            wire.irq(handler, Pin.IRQ_FALLING)

    def tick(self):
        """None, or a finished entry ("badge", "facility:card"). Quiet, no allocation."""
        for _ in range(_RING):  # no more: noise may come faster than it is drained
            bit = self._ring.pop()
            if not bit:
                break
            entry = None
            if self._count and self._clock.between(self._last_at, bit[0]) >= _GAP_MS:
                entry = self._finish()
            self._take(bit[0], bit[1])
            if entry:
                return entry
        if self._count and self._clock.since(self._last_at) >= _GAP_MS:
            return self._finish()
        return None

    # The pulse is over by the time a handler runs: which wire it was on tells the bit.
    def _on_zero(self, _):
        self._ring.put(0)

    def _on_one(self, _):
        self._ring.put(1)

    def _take(self, at, bit):
        self._last_at = at
        if self._count < len(self._bits):
            self._bits[self._count] = bit
        self._count += 1

    def _finish(self):
        count, self._count = self._count, 0
        lost = self._ring.lost
        whole = lost == self._lost_seen
        self._lost_seen = lost
        if count not in _FACILITY or not whole or not _parity_holds(self._bits[:count]):
            self.missed += 1
            return None
        card_at = 1 + _FACILITY[count]
        facility = _number(self._bits[1:card_at])
        return "badge", "%d:%d" % (facility, _number(self._bits[card_at : count - 1]))


def _parity_holds(bits):
    half = len(bits) // 2
    return sum(bits[:half]) % 2 == 0 and sum(bits[half:]) % 2 == 1


def _number(bits):
    value = 0
    for bit in bits:
        value = value << 1 | bit
    return value
