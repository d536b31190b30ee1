from support import Ticks
from warden.clock import Clock


def test_uptime_counts_on_when_the_ticks_of_an_esp32_wrap():
    ticks = Ticks(now=(1 << 30) - 500, period=1 << 30)
    clock = ticks.clock()
    for _ in range(40):
        ticks.now += 5 * 24 * 3600 * 1000
        clock.tick()
    assert clock.uptime() == 40 * 5 * 24 * 3600 * 1000


def test_the_loop_counts_milliseconds_across_the_wrap():
    ticks = Ticks(now=(1 << 30) - 5, period=1 << 30)
    clock = ticks.clock()
    pressed = clock.ticks()
    ticks.now += 30
    assert clock.since(pressed) == 30
    assert clock.between(pressed, clock.ticks()) == 30


def test_an_earlier_tick_is_placed_on_the_uptime():
    ticks = Ticks(now=(1 << 30) - 5, period=1 << 30)
    clock = ticks.clock()
    pressed = ticks()
    ticks.now += 30
    assert clock.uptime_at(pressed) == 0
    assert clock.uptime() == 30


def test_unix_time_is_unknown_until_the_agent_tells_it():
    ticks = Ticks()
    clock = ticks.clock()
    assert clock.unix_ms(0) is None
    clock.set(1700000000123, 1000)
    assert clock.unix_ms(1000) == 1700000000123
    assert clock.unix_ms(0) == 1699999999123


def test_the_real_ticks_advance():
    clock = Clock()
    before = clock.uptime()
    while clock.uptime() == before:
        pass
    assert clock.uptime() > before
