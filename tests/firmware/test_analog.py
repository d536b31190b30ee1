from support import Ticks
from warden.analog import Analog


class Voltage:
    def __init__(self):
        self.millivolts = 0

    def read_uv(self):
        return self.millivolts * 1000


def reading(**settings):
    ticks = Ticks()
    reports = []
    adc = Voltage()
    sensor = Analog(
        adc,
        dict(
            {
                "name": "temperature",
                "type": "temperature_reading",
                "param": "temperature",
                "every_ms": 1000,
                "scale": 0.1,
                "offset": -50,
                "min_change": 0.5,
                "heartbeat_s": 60,
            },
            **settings,
        ),
        ticks.clock(),
        lambda kind, params, at: reports.append(params["temperature"]),
    )

    def measure(millivolts, seconds=1):
        adc.millivolts = millivolts
        for _ in range(seconds):
            sensor.tick()
            ticks.now += 1000
        return reports

    return measure


def test_a_voltage_becomes_a_reading():
    assert reading()(715) == [21.5]


def test_a_reading_is_repeated_only_when_it_moved_enough():
    measure = reading()
    measure(715)
    measure(718, seconds=5)
    assert measure(720) == [21.5, 22.0]


def test_an_unchanged_reading_is_no_news_by_default():
    assert reading(min_change=0)(715, seconds=50) == [21.5]
    assert len(reading(min_change=0)(715, seconds=61)) == 2


def test_a_heartbeat_repeats_an_unchanged_reading():
    assert len(reading()(715, seconds=121)) == 3
    assert len(reading(heartbeat_s=0)(715, seconds=121)) == 1
