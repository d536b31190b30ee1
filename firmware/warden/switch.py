"""Buttons and contacts: from a pin's edges to presses and changes.

The interrupt handler only notes time and level in a ring made beforehand; debouncing happens when
the main loop drains it.
"""

from machine import Pin

from warden.ring import SIZE, Ring

_MISMATCH_MS = 150  # ESP32 runs a pending handler within 100 ms, also during blocking calls


class Switch:
    """A debounced contact: `report(type, params, uptime)` gets presses, with `release` all changes.

    `missed` counts what never reached us as edges: the ring overflowed, the pin disagrees with the
    edges, or a handler ran so late that it found the level unchanged.
    """

    def __init__(self, pin, settings, clock, report):
        self._pin = pin
        self._clock = clock
        self._report = report
        self._type = settings["type"]
        self._param = settings["param"]
        self._release = settings["release"]
        self._active = 0 if settings["active"] == "low" else 1
        self._debounce = settings["debounce_ms"]
        self._untold = settings["kind"] == "digital"
        self._ring = Ring()
        self._lost_seen = 0
        self._mismatch_at = None
        self._echo_at = None
        self._stable = self._pending = self._seen = pin.value()
        self._since = clock.ticks()
        self.missed = 0
        pin.irq(self._ring.on_edge, Pin.IRQ_RISING | Pin.IRQ_FALLING)

    def tick(self):
        """Drain the ring and report what has settled; a contact tells its state at first."""
        if self._untold:
            self._untold = False
            self._tell(self._clock.ticks())
        for _ in range(SIZE):  # no more: edges may come faster than they are drained
            edge = self._ring.pop()
            if not edge:
                break
            self._edge(edge[0], edge[1])
        now = self._clock.ticks()
        lost = self._ring.lost - self._lost_seen
        if lost:
            self._lost_seen += lost
            self.missed += lost
            if self._pin.value() != self._seen:
                self._edge(now, self._pin.value())
        self._compare(now)
        self._settle(now)

    def _edge(self, at, level):
        self._settle(at)
        if level != self._pending:
            self._pending = level
            self._since = at
            self._echo_at = None
        elif level == self._seen and self._pending == self._stable and self._echo_at is None:
            self._echo_at = at  # there and back again, unless a change follows that bounced
        self._seen = level

    def _settle(self, now):
        if self._pending != self._stable:
            if self._clock.between(self._since, now) >= self._debounce:
                self._stable = self._pending
                if self._release or self._stable == self._active:
                    self._tell(self._since)
        elif self._echo_at is not None and (
            self._clock.between(self._echo_at, now) >= self._debounce
        ):
            self._echo_at = None
            self.missed += 1

    def _compare(self, now):
        if self._pin.value() == self._seen:
            self._mismatch_at = None
        elif self._mismatch_at is None:
            self._mismatch_at = now
        elif self._clock.between(self._mismatch_at, now) >= _MISMATCH_MS:
            self.missed += 1
            self._edge(self._mismatch_at, self._pin.value())

    def _tell(self, at):
        active = self._stable == self._active
        self._report(self._type, {self._param: active}, self._clock.uptime_at(at))
