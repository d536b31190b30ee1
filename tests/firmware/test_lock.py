import machine
from support import Ticks, raises
from warden.config import ConfigError
from warden.lock import Lock


def lock(ticks, **changes):
    settings = {"pin": 26, "active": "high", "open_ms": 3000}
    settings.update(changes)
    return Lock(settings, ticks.clock())


def level():
    return machine._levels[26]


def test_it_is_shut_from_the_first_moment_whatever_the_pin_was():
    for active, shut in (("high", 0), ("low", 1)):
        told = []
        machine._tell = told.append
        machine._levels[26] = 1 - shut
        made = lock(Ticks(), active=active)
        assert level() == shut and not made.is_open
        assert told == ["pin 26 %d\n" % shut], "never open in between"


def test_it_opens_for_its_time_and_shuts_by_itself():
    for active, opened in (("high", 1), ("low", 0)):
        ticks = Ticks(now=(1 << 30) - 1000, period=1 << 30)
        door = lock(ticks, active=active)
        door.open()
        assert level() == opened and door.is_open
        ticks.now += 2999
        door.tick()
        assert level() == opened and door.is_open
        ticks.now += 1
        door.tick()
        assert level() != opened and not door.is_open


def test_opening_again_starts_the_time_anew():
    ticks = Ticks()
    door = lock(ticks)
    door.open()
    ticks.now += 2000
    door.open()
    ticks.now += 2000
    door.tick()
    assert door.is_open
    ticks.now += 1000
    door.tick()
    assert not door.is_open


def test_shut_may_be_said_at_any_time():
    door = lock(Ticks())
    door.shut()
    door.open()
    for _ in range(2):
        door.shut()
        door.tick()
        assert level() == 0 and not door.is_open


def test_a_pin_that_cannot_be_had_is_a_configuration_error():
    with raises(ConfigError, "access.lock: pin 24"):
        lock(Ticks(), pin=24)
