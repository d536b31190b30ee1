import warden.readings
from support import Ticks
from warden.readings import Readings

SETTINGS = {
    "name": "hall",
    "type": "hall_reading",
    "every_ms": 2000,
    "min_change": 0.5,
    "heartbeat_s": 60,
}


class Bench:
    def __init__(self, **settings):
        self.ticks = Ticks(now=(1 << 30) - 5000, period=1 << 30)
        self.reports = []
        self.lines = []
        warden.readings.print = self.lines.append
        self.readings = Readings(
            dict(SETTINGS, **settings),
            self.ticks.clock(),
            lambda *report: self.reports.append(report),
        )

    def take(self, temperature, humidity=50, seconds=2):
        self.readings.take({"temperature": temperature, "humidity": humidity})
        self.ticks.now += seconds * 1000


def test_it_is_due_at_start_and_then_once_in_a_while():
    bench = Bench()
    due = []
    for _ in range(90):
        due.append(bench.readings.due())
        bench.ticks.now += 100
    assert [n for n, is_due in enumerate(due) if is_due] == [0, 20, 40, 60, 80]


def test_all_values_are_told_when_one_has_moved_enough():
    bench = Bench()
    bench.take(20.004, 50)
    bench.take(20.4, 50.4)
    bench.take(20.4, 50.5)
    assert bench.reports == [
        ("hall_reading", {"temperature": 20.0, "humidity": 50}, 0),
        ("hall_reading", {"temperature": 20.4, "humidity": 50.5}, 4000),
    ]


def test_a_heartbeat_repeats_what_did_not_move():
    bench = Bench()
    for _ in range(61):
        bench.take(20)
    assert len(bench.reports) == 3
    never = Bench(heartbeat_s=0)
    for _ in range(61):
        never.take(20)
    assert len(never.reports) == 1


def test_failures_are_counted_and_the_first_and_the_end_are_told():
    bench = Bench()
    bench.take(20)
    for error in (OSError(19), ValueError("CRC error"), OSError(19)):
        bench.readings.failed(error)
    bench.take(20)
    bench.take(20)

    class OneWireError(Exception):
        pass

    bench.readings.failed(OneWireError())
    assert bench.readings.missed == 4
    assert bench.lines == [
        "input hall: no reading: [Errno 19] ENODEV",
        "input hall: reads again",
        "input hall: no reading: OneWireError",
    ]
    assert len(bench.reports) == 1, "a failure is no value"
