import machine
from support import Ticks, no_allocation, raises
from warden.config import ConfigError
from warden.keypad import Keypad

SETTINGS = {
    "rows": [13, 14, 25, 26],
    "columns": [27, 32, 33],
    "keys": "123456789*0#",
    "enter": "#",
    "clear": "*",
}


class Bench:
    """A keypad on the simulated board's pins, ticked every 10 ms."""

    def __init__(self, **changes):
        self.settings = dict(SETTINGS, **changes)
        self.ticks = Ticks(now=(1 << 30) - 200, period=1 << 30)
        self.keypad = Keypad(self.settings, self.ticks.clock())
        self.entries = []
        self.pass_ms(50)

    def pass_ms(self, milliseconds, step=10):
        for _ in range(0, milliseconds, step):
            self.ticks.now += step
            entry = self.keypad.tick()
            if entry:
                self.entries.append(entry)

    def hold(self, key, pressed=1):
        columns = self.settings["columns"]
        row, column = divmod(self.settings["keys"].index(key), len(columns))
        before = machine._keys[self.settings["rows"][row] * machine._PINS + columns[column]]
        machine._keys[self.settings["rows"][row] * machine._PINS + columns[column]] = pressed
        machine._columns[columns[column]] += pressed - before

    def type(self, text, held_ms=60):
        for key in text:
            self.hold(key)
            self.pass_ms(held_ms)
            self.hold(key, 0)
            self.pass_ms(60)


def test_every_key_of_both_sizes():
    bench = Bench(enter="", clear="")
    bench.type("123456789*0#")
    bench.keypad._enter = "1"
    bench.type("1")
    assert bench.entries == [("code", "123456789*0#")]
    bench = Bench(columns=[27, 32, 33, 4], keys="123A456B789C*0#D", enter="D", clear="C")
    bench.type("123A456B789*0#D")
    assert bench.entries == [("code", "123A456B789*0#")]


def test_an_entry_ends_with_enter_and_the_next_begins():
    bench = Bench()
    bench.type("1234#")
    bench.type("56789#")
    assert bench.entries == [("code", "1234"), ("code", "56789")]
    assert bench.keypad.missed == 0


def test_an_entry_of_the_wrong_length_is_one_too():
    bench = Bench()
    bench.type("1#")
    bench.type("123#")
    bench.type("1234567890123#")
    assert [text for _, text in bench.entries] == ["1", "123", "1234567890123"]


def test_endless_typing_is_cut_at_16():
    bench = Bench()
    bench.type("12345678901234567890#")
    assert bench.entries == [("code", "1234567890123456")]


def test_enter_alone_is_nothing():
    bench = Bench()
    bench.type("##")
    assert bench.entries == []


def test_clear_forgets_what_was_typed():
    bench = Bench()
    bench.type("99*1234#")
    bench.type("77*#")
    assert bench.entries == [("code", "1234")]


def test_half_an_entry_is_forgotten_after_5_s():
    bench = Bench()
    bench.type("99")
    bench.pass_ms(4800)
    bench.type("88")
    bench.pass_ms(5000)
    bench.type("1234#")
    assert bench.entries == [("code", "1234")]
    bench.type("99")
    bench.pass_ms(4800)
    bench.type("88#")
    assert bench.entries[1:] == [("code", "9988")]


def test_a_bouncing_key_is_one():
    bench = Bench()
    for pressed in (1, 0, 1, 0, 1):
        bench.hold("1", pressed)
        bench.pass_ms(10)
    bench.pass_ms(60)
    for pressed in (0, 1, 0, 1, 0):
        bench.hold("1", pressed)
        bench.pass_ms(10)
    bench.pass_ms(60)
    bench.type("#")
    assert bench.entries == [("code", "1")]


def test_a_spike_is_no_key():
    bench = Bench()
    bench.type("1", held_ms=10)
    bench.type("2#")
    assert bench.entries == [("code", "2")]


def test_a_key_that_is_held_counts_once():
    bench = Bench()
    bench.type("1", held_ms=4000)
    bench.type("#")
    assert bench.entries == [("code", "1")]


def test_the_same_key_twice_is_two():
    bench = Bench()
    bench.type("1122#")
    assert bench.entries == [("code", "1122")]


def test_a_slow_loop_still_sees_a_held_key():
    bench = Bench()
    for key in "12#":
        bench.hold(key)
        bench.pass_ms(200, step=100)
        bench.hold(key, 0)
        bench.pass_ms(200, step=100)
    assert bench.entries == [("code", "12")]


def test_two_keys_at_once_are_none_until_both_are_released():
    for first, second in ("12", "14", "15"):
        bench = Bench()
        bench.hold(first)
        bench.hold(second)
        bench.pass_ms(100)
        bench.hold(first, 0)
        bench.pass_ms(100)
        bench.hold(second, 0)
        bench.pass_ms(100)
        bench.type("9#")
        assert bench.entries == [("code", "9")]
        assert bench.keypad.missed == 1


def test_a_second_key_while_one_is_held_is_none():
    bench = Bench()
    bench.hold("1")
    bench.pass_ms(60)
    bench.type("5")
    bench.hold("1", 0)
    bench.pass_ms(60)
    bench.type("#")
    assert bench.entries == [("code", "1")]
    assert bench.keypad.missed == 1


def test_a_key_that_is_held_at_the_start_is_none():
    bench = Bench()
    bench.hold("5")
    bench.keypad = Keypad(SETTINGS, bench.ticks.clock())
    bench.pass_ms(100)
    bench.hold("5", 0)
    bench.pass_ms(100)
    bench.type("1#")
    assert bench.entries == [("code", "1")]


def test_a_quiet_scan_allocates_nothing():
    bench = Bench()
    bench.type("12")
    keypad = bench.keypad
    with no_allocation():
        for _ in range(100):
            keypad.tick()


def test_nothing_drives_a_row_but_its_own_scan():
    bench = Bench()
    bench.pass_ms(100)
    for number in SETTINGS["rows"]:
        assert machine._objects[number]._mode == machine.Pin.OPEN_DRAIN
        assert machine._levels[number] == 1


def test_a_pin_that_cannot_be_had_is_a_configuration_error():
    for changes in ({"rows": [13, 14, 25, 24]}, {"columns": [27, 32, 34]}):
        with raises(ConfigError, "access.keypad: pin "):
            Keypad(dict(SETTINGS, **changes), Ticks().clock())
