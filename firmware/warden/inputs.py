"""Buttons, contacts and analog sensors: from pin to event.

A switch's interrupt handler only notes time and level in a ring made beforehand; debouncing
happens when the main loop drains it.
"""

from array import array
from time import ticks_ms

from machine import ADC, Pin

from warden.settings import ConfigError

_RING = 64
_MISMATCH_MS = 150  # ESP32 runs a pending handler within 100 ms, also during blocking calls
_SAMPLES = 8


class Ring:
    """Edges from one producer (the interrupt handler, on any thread) to the main loop.

    `size` is a power of two.
    """

    def __init__(self, size=_RING):
        self._ticks = array("l", [0] * size)  # not "q": that reads as a big int
        self._levels = bytearray(size)
        self._wrap = size - 1
        self._head = 0
        self._tail = 0
        self.lost = 0

    def on_edge(self, pin):
        """The interrupt handler. Allocates nothing."""
        self.put(pin.value())

    def put(self, level):
        """Note a level and the time. Allocates nothing."""
        head = self._head
        following = (head + 1) & self._wrap
        if following == self._tail:
            self.lost += 1
            return
        self._ticks[head] = ticks_ms()
        self._levels[head] = level
        self._head = following

    def pop(self):
        """The oldest edge as (ticks_ms, level), None if there is none."""
        tail = self._tail
        if tail == self._head:
            return None
        edge = self._ticks[tail], self._levels[tail]
        self._tail = (tail + 1) & self._wrap
        return edge


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
        edge = self._ring.pop()
        while edge:
            self._edge(edge[0], edge[1])
            edge = self._ring.pop()
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


class Analog:
    """A voltage as a reading: millivolts * scale + offset.

    Reported when it changed by at least `min_change` since the last report, and every `heartbeat_s`
    in any case (0: never).
    """

    missed = 0

    def __init__(self, adc, settings, clock, report):
        self._adc = adc
        self._settings = settings
        self._clock = clock
        self._report = report
        self._sampled_at = None
        self._told = None
        self._told_at = 0

    def tick(self):
        """Sample when it is time to."""
        settings = self._settings
        now = self._clock.ticks()
        if self._sampled_at is not None and (
            self._clock.between(self._sampled_at, now) < settings["every_ms"]
        ):
            return
        self._sampled_at = now
        microvolts = 0
        for _ in range(_SAMPLES):
            microvolts += self._adc.read_uv()
        value = microvolts / (_SAMPLES * 1000) * settings["scale"] + settings["offset"]
        value = round(value, 2)
        if self._is_news(value, now):
            self._told = value
            self._told_at = now
            self._report(settings["type"], {settings["param"]: value}, self._clock.uptime())

    def _is_news(self, value, now):
        if self._told is None:
            return True
        heartbeat_ms = self._settings["heartbeat_s"] * 1000
        if heartbeat_ms and self._clock.between(self._told_at, now) >= heartbeat_ms:
            return True
        return value != self._told and abs(value - self._told) >= self._settings["min_change"]


def build(config, clock, report):
    """The inputs that the configuration names. ConfigError if the board has no such pin."""
    return [_build(settings, clock, report) for settings in config.inputs]


def _build(settings, clock, report):
    try:
        return _input(settings, clock, report)
    except (ValueError, OSError) as error:
        raise ConfigError(
            "input %s: pin %d: %s" % (settings["name"], settings["pin"], error)
        ) from None


def _input(settings, clock, report):
    if settings["kind"] == "analog":
        adc = ADC(Pin(settings["pin"]), atten=ADC.ATTN_11DB)
        return Analog(adc, settings, clock, report)
    pull = {"up": Pin.PULL_UP, "down": Pin.PULL_DOWN, None: None}[settings["pull"]]
    # None switches an earlier pull off, which the stubs do not know.
    pin = Pin(settings["pin"], Pin.IN, pull)  # type: ignore[arg-type]
    return Switch(pin, settings, clock, report)
