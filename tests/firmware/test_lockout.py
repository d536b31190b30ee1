from support import Nvs, Ticks
from warden.lockout import Lockout


class Bench:
    """A lockout after 3 failures for 60 s, over an NVS that survives `restart`."""

    def __init__(self):
        self.nvs = Nvs()
        self.ticks = Ticks(now=12345, period=1 << 30)
        self.restart()

    def restart(self):
        self.clock = self.ticks.clock()
        self.lockout = Lockout(3, 60, self.clock, self.nvs)

    def fail(self, times=1):
        for _ in range(times):
            self.lockout.failed()

    def pass_s(self, seconds):
        for _ in range(seconds):
            self.ticks.now += 1000
            self.clock.tick()

    @property
    def left_s(self):
        return self.lockout.left_ms() / 1000


def test_a_new_board_is_free():
    assert Bench().left_s == 0


def test_so_many_failures_in_a_row_lock_for_the_time():
    bench = Bench()
    bench.fail(2)
    assert bench.left_s == 0
    bench.fail()
    assert bench.left_s == 60
    bench.pass_s(59)
    assert bench.left_s == 1
    bench.pass_s(1)
    assert bench.left_s == 0


def test_every_further_failure_doubles_it_up_to_an_hour():
    bench = Bench()
    bench.fail(2)
    lasted = []
    for _ in range(9):
        bench.fail()
        lasted.append(bench.left_s)
        bench.pass_s(3600)
        assert bench.left_s == 0
    assert lasted == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    bench.fail(100)
    assert bench.left_s == 3600


def test_a_success_in_between_starts_the_count_anew():
    bench = Bench()
    bench.fail(2)
    bench.lockout.succeeded()
    bench.fail(2)
    assert bench.left_s == 0
    bench.restart()
    bench.fail()
    assert bench.left_s == 60


def test_failures_are_counted_over_power_cuts():
    bench = Bench()
    for _ in range(3):
        assert bench.left_s == 0
        bench.fail()
        bench.restart()
    assert bench.left_s == 60


def test_a_power_cut_while_locked_locks_anew():
    bench = Bench()
    bench.fail(4)
    bench.pass_s(119)
    bench.restart()
    assert bench.left_s == 120


def test_a_failure_is_durable_when_failed_returns():
    bench = Bench()
    commits = bench.nvs.commits
    bench.fail()
    assert bench.nvs.commits == commits + 1
    assert bench.nvs.kept["failures"] == b"\x01\x00\x00\x00"


def test_a_failure_that_nvs_refuses_locks_until_it_is_kept():
    bench = Bench()
    bench.nvs.broken = True
    bench.fail()
    bench.pass_s(500)
    assert bench.left_s > 0
    bench.nvs.broken = False
    bench.pass_s(1)
    assert bench.left_s == 0
    bench.restart()
    bench.fail(2)
    assert bench.left_s == 60, "all three were kept"


def test_cutting_the_power_while_nvs_refuses_gives_no_more_attempts():
    bench = Bench()
    bench.nvs.broken = True
    bench.fail()
    for _ in range(3):
        bench.restart()
        bench.pass_s(500)
        assert bench.left_s > 0


def test_an_nvs_that_does_not_read_at_first_costs_no_failure():
    bench = Bench()
    bench.fail(2)
    bench.nvs.broken = True
    bench.restart()
    assert bench.left_s > 0
    bench.fail()
    bench.lockout.succeeded()
    assert bench.left_s > 0, "nobody can have come in"
    bench.nvs.broken = False
    bench.pass_s(1)
    assert bench.left_s == 60


def test_a_success_that_nvs_refuses_locks_nobody_out():
    bench = Bench()
    bench.fail(2)
    bench.nvs.broken = True
    bench.lockout.succeeded()
    assert bench.left_s == 0
    bench.nvs.broken = False
    bench.fail(2)
    assert bench.left_s == 0


def test_successes_in_a_row_do_not_wear_out_nvs():
    bench = Bench()
    commits = bench.nvs.commits
    for _ in range(1000):
        bench.lockout.succeeded()
        bench.lockout.left_ms()
    assert bench.nvs.commits == commits


def test_the_boards_own_nvs_is_used_by_default():
    ticks = Ticks()
    for _ in range(3):
        Lockout(3, 60, ticks.clock()).failed()
    assert Lockout(3, 60, ticks.clock()).left_ms() == 60000
