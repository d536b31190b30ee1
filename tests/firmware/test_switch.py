import micropython
from machine import Pin
from support import Ticks
from warden import ring
from warden.switch import Switch

SETTINGS = {
    "kind": "button",
    "type": "buttonState",
    "param": "pressed",
    "active": "low",
    "debounce_ms": 30,
    "release": False,
}


class Wire:
    """A pin whose interrupts come when the test says so, or never."""

    def __init__(self, ticks):
        self._ticks = ticks
        self._level = 1
        self.deaf = False

    def value(self):
        return self._level

    def irq(self, handler, trigger):
        assert trigger == Pin.IRQ_RISING | Pin.IRQ_FALLING
        self._handler = handler

    def go(self, level):
        self._level = level
        if not self.deaf:
            ring.ticks_ms = self._ticks
            self._handler(self)


class Bench:
    """One switch on a wire, and what it reported."""

    def __init__(self, **settings):
        self.ticks = Ticks(now=5)
        self.wire = Wire(self.ticks)
        self.reports = []
        self.switch = Switch(
            self.wire, dict(SETTINGS, **settings), self.ticks.clock(), self._report
        )

    def _report(self, kind, params, uptime):
        self.reports.append((kind, params, uptime))

    def pass_ms(self, milliseconds, step=10):
        for _ in range(0, milliseconds, step):
            self.ticks.now += step
            self.switch.tick()


def test_a_press_is_reported_once_at_the_moment_of_its_first_edge():
    bench = Bench()
    bench.pass_ms(100)
    bench.wire.go(0)
    bench.pass_ms(200)
    bench.wire.go(1)
    bench.pass_ms(200)
    assert bench.reports == [("buttonState", {"pressed": True}, 100)]


def test_a_bouncing_contact_is_one_press():
    bench = Bench()
    for level in (0, 1, 0, 1, 0, 0, 1, 0):
        bench.wire.go(level)
        bench.ticks.now += 2
    bench.pass_ms(200)
    for level in (1, 0, 1, 0, 1):
        bench.wire.go(level)
        bench.ticks.now += 2
    bench.pass_ms(200)
    assert len(bench.reports) == 1


def test_a_spike_shorter_than_the_debounce_time_is_nothing():
    bench = Bench()
    bench.wire.go(0)
    bench.ticks.now += 20
    bench.wire.go(1)
    bench.pass_ms(200)
    assert bench.reports == []


def test_presses_that_came_while_the_loop_was_away_all_count():
    bench = Bench()
    for _ in range(10):
        bench.wire.go(0)
        bench.ticks.now += 50
        bench.wire.go(1)
        bench.ticks.now += 50
    bench.pass_ms(100)
    assert [at for _, _, at in bench.reports] == list(range(0, 1000, 100))


def test_a_release_is_reported_if_asked_for():
    bench = Bench(release=True)
    bench.wire.go(0)
    bench.pass_ms(100)
    bench.wire.go(1)
    bench.pass_ms(100)
    assert [params["pressed"] for _, params, _ in bench.reports] == [True, False]


def test_a_contact_tells_its_state_at_start_and_every_change():
    bench = Bench(kind="digital", active="high", release=True, param="open")
    bench.pass_ms(10)
    bench.wire.go(0)
    bench.pass_ms(100)
    assert [params["open"] for _, params, _ in bench.reports] == [True, False]


def test_an_overflowing_ring_is_counted_and_the_pin_is_read_again():
    bench = Bench()
    for _ in range(100):
        bench.wire.go(0)
        bench.wire.go(1)
    bench.wire.go(0)
    bench.pass_ms(100)
    assert bench.switch.missed > 100
    assert len(bench.reports) == 1


def test_an_edge_that_never_reached_us_is_noticed_and_counted():
    bench = Bench()
    bench.wire.deaf = True
    bench.wire.go(0)
    bench.pass_ms(300)
    assert bench.switch.missed == 1
    assert bench.reports == [("buttonState", {"pressed": True}, 10)]


def test_a_press_over_before_its_handlers_ran_is_counted():
    bench = Bench()
    bench.wire.go(1)  # the handler of the press, run after the release
    bench.ticks.now += 1
    bench.wire.go(1)
    bench.pass_ms(200)
    assert bench.reports == [] and bench.switch.missed == 1


def test_late_handlers_of_a_bouncing_press_are_no_loss():
    bench = Bench()
    for level in (1, 1, 0, 0, 1, 0):
        bench.wire.go(level)
        bench.ticks.now += 2
    bench.pass_ms(200)
    assert len(bench.reports) == 1 and bench.switch.missed == 0


def test_a_wire_that_never_rests_does_not_hold_the_loop():
    bench = Bench()
    edges = [0]

    def storm(_):  # as handlers come on a board: through the scheduler, anywhere in the loop
        if edges[0] < 5000:
            edges[0] += 1
            bench.wire.go(edges[0] & 1)
            micropython.schedule(storm, 0)

    storm(0)
    bench.switch.tick()
    assert edges[0] < 5000, "this round took them all"


def test_the_interrupt_handler_allocates_nothing():
    edges = ring.Ring()
    pin = Pin(14, Pin.IN, Pin.PULL_UP)
    micropython.heap_lock()
    try:
        for _ in range(200):
            edges.on_edge(pin)
    finally:
        micropython.heap_unlock()
    assert edges.lost == 200 - 63
    drained = 0
    while edges.pop():
        drained += 1
    assert drained == 63
