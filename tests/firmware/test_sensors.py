"""Sensors on the simulated board's pins, with the drivers that a stock image has."""

from time import sleep_ms, ticks_diff, ticks_ms

import machine
import onewire
import surroundings
import warden.ds18x20_bus
import warden.readings
from support import no_allocation, raises, ran_ms
from warden import inputs
from warden.clock import Clock
from warden.settings import ConfigError

COMMON = {"name": "hall", "type": "hall_reading", "min_change": 0, "heartbeat_s": 0}
THERMOMETER = dict(COMMON, kind="ds18x20", pin=4, param="hall", rom=None, every_ms=1000)
DHT22 = dict(COMMON, kind="dht22", pin=16, every_ms=2000)
BME280 = dict(COMMON, kind="bme280", sda=21, scl=22, address=0x76, every_ms=100)


def hexadecimal(rom):
    return "".join(["%02x" % byte for byte in rom])


class Bench:
    """Inputs in a loop that measures its own rounds."""

    def __init__(self, *settings):
        class Config:
            inputs = settings

        self.reports = []
        self.lines = []
        self.worst_ms = 0
        warden.readings.print = warden.ds18x20_bus.print = self._hear
        self.built = inputs.build(Config, Clock(), lambda *report: self.reports.append(report))

    def _hear(self, *words):
        self.lines.append(" ".join([str(word) for word in words]))

    def run(self, until):
        """Turn after turn until it is so."""
        began = ticks_ms()
        while not until():
            assert ticks_diff(ticks_ms(), began) < 40000, (self.reports, self.lines)
            before = ran_ms()
            for part in self.built:
                part.tick()
            self.worst_ms = max(self.worst_ms, ran_ms() - before)
            sleep_ms(5)

    def hear(self, reports):
        """Until there are so many reports; returns the values of all."""
        self.run(lambda: len(self.reports) >= reports)
        assert len(self.reports) == reports, (self.reports, self.lines)
        return [params for _, params, _ in self.reports]

    def miss(self, count=1):
        """Until so many measurements have failed."""
        self.run(lambda: self.missed() >= count)

    def missed(self):
        return sum([part.missed for part in self.built])


def around(pin, number=0, **quantities):
    for what, value in quantities.items():
        surroundings.obey(pin, number, what, round(value * 1000))


def test_a_thermometer_is_found_and_read_when_it_has_measured():
    around(4, temperature=-10.0625)
    bench = Bench(THERMOMETER)
    assert bench.hear(1) == [{"hall": -10.06}]
    assert bench.reports[0][0] == "hall_reading" and bench.reports[0][2] >= 750
    assert bench.lines == ["ds18x20: found " + hexadecimal(onewire.rom(4))]
    assert bench.missed() == 0


def test_thermometers_on_one_wire_are_told_apart_by_their_rom():
    settings = []
    for number in (2, 0, 1):
        around(4, number, plugged=1, temperature=20 + number)
        rom = hexadecimal(onewire.rom(4, number))
        settings.append(dict(THERMOMETER, name="t%d" % number, param="t%d" % number, rom=rom))
    bench = Bench(*settings)
    values = bench.hear(3)
    assert sorted([next(iter(value.items())) for value in values]) == [
        ("t0", 20),
        ("t1", 21),
        ("t2", 22),
    ]
    assert bench.lines == [], "no search"


def test_an_unplugged_thermometer_is_missed_and_comes_back_also_as_another():
    bench = Bench(THERMOMETER)
    bench.hear(1)
    around(4, plugged=0)
    bench.miss()
    around(4, 3, plugged=1, temperature=25)
    assert bench.hear(2)[1] == {"hall": 25}
    told = bench.lines[1:]
    assert told[0].startswith("input hall: no reading: ")
    assert told[1] == "ds18x20: found " + hexadecimal(onewire.rom(4, 3))
    assert told[2] == "input hall: reads again"


def test_a_thermometer_that_was_without_power_has_nothing_to_tell():
    bench = Bench(THERMOMETER)
    bench.run(lambda: bench.lines)  # it was found, and measures
    around(4, plugged=0)
    around(4, plugged=1)
    bench.miss()
    assert bench.lines[-1] == "input hall: no reading: it has not measured: 85 degrees"
    assert bench.hear(1) == [{"hall": 20}]


def test_a_wrong_checksum_is_no_reading():
    around(4, garbled=1)
    around(16, garbled=1)
    bench = Bench(THERMOMETER, dict(DHT22, name="room"))
    bench.run(lambda: bench.built[0].missed and bench.built[1].missed)
    assert bench.reports == []
    assert "input hall: no reading: CRC error" in bench.lines
    assert "input room: no reading: checksum error" in bench.lines


def test_a_wire_that_is_held_low_is_no_zero_degrees():
    bench = Bench(THERMOMETER)
    onewire.OneWire.readbyte = lambda _: 0
    bench.miss()
    assert bench.reports == [] and bench.missed() == 1
    assert bench.lines[-1] == "input hall: no reading: the wire is held low"


def test_a_wire_that_is_held_low_does_not_stop_the_loop():
    bench = Bench(THERMOMETER)
    machine._levels[4] = 0
    bench.miss(2)
    assert bench.reports == []
    assert bench.lines == ["input hall: no reading: the wire is held low"]
    machine._levels[4] = 1
    assert bench.hear(1) == [{"hall": 20}]
    assert bench.worst_ms < 100, "a search of this wire takes 3.6 s"


def test_a_dht22_tells_both_values_and_the_loop_goes_on_meanwhile():
    around(16, temperature=-5.3, humidity=99.9)
    bench = Bench(DHT22)
    assert bench.hear(1) == [{"temperature": -5.3, "humidity": 99.9}]
    assert bench.worst_ms < 100, "its driver takes 273 ms"
    around(16, temperature=40)
    assert bench.hear(2)[1] == {"temperature": 40, "humidity": 99.9}
    assert bench.missed() == 0


def test_an_unplugged_dht22_is_missed_and_comes_back():
    around(16, plugged=0)
    bench = Bench(DHT22)
    bench.miss()
    assert "no reading" in bench.lines[0] and "ETIMEDOUT" in bench.lines[0]
    around(16, plugged=1)
    assert bench.hear(1) == [{"temperature": 20, "humidity": 50}]
    assert bench.lines[1] == "input hall: reads again"


def test_a_bme280_tells_three_values():
    around(21, temperature=-7.5, humidity=61, pressure=987.6)
    bench = Bench(BME280)
    (values,) = bench.hear(1)
    assert values["temperature"] == -7.5
    assert abs(values["humidity"] - 61) < 0.02 and abs(values["pressure"] - 987.6) < 0.02
    assert bench.missed() == 0 and bench.worst_ms < 40


def test_two_bme280_share_a_bus():
    around(21, 1, plugged=1, temperature=30)
    other = dict(BME280, name="attic", type="attic_reading", address=0x77)
    bench = Bench(BME280, other)
    bench.hear(2)
    told = {kind: params["temperature"] for kind, params, _ in bench.reports}
    assert told == {"hall_reading": 20, "attic_reading": 30}


def test_an_unplugged_bme280_is_missed_and_comes_back():
    bench = Bench(BME280)
    bench.hear(1)
    around(21, plugged=0)
    bench.miss()
    assert "no reading" in bench.lines[0] and "ENODEV" in bench.lines[0]
    around(21, plugged=1, temperature=21)
    assert bench.hear(2)[1]["temperature"] == 21
    assert bench.lines[1] == "input hall: reads again"


def test_nothing_is_allocated_while_nothing_is_due():
    bench = Bench(*[dict(one, every_ms=60000) for one in (THERMOMETER, DHT22, BME280)])
    bench.hear(3)
    with no_allocation():
        for part in bench.built:
            part.tick()


def test_a_pin_that_the_board_does_not_have_names_the_input():
    for wrong in (dict(THERMOMETER, pin=24), dict(DHT22, pin=24), dict(BME280, sda=24)):
        with raises(ConfigError, "input hall: "):
            Bench(wrong)
