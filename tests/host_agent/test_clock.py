"""What time it is for deleting what is old."""

from host_agent import clock

HOUR_MS = 3_600_000
YEAR_MS = 365 * 24 * HOUR_MS


def test_a_clock_that_was_set_forward_deletes_nothing_until_it_is_asked_again(monkeypatch) -> None:
    said = iter([0, HOUR_MS, YEAR_MS, YEAR_MS + HOUR_MS])
    monkeypatch.setattr(clock, "now_ms", lambda: next(said))
    purging = clock.PurgeClock()
    believed = [purging.now_ms() for _ in range(3)]
    assert believed == [HOUR_MS, 3 * HOUR_MS, YEAR_MS + HOUR_MS]


def test_a_clock_that_was_right_again_in_time_has_deleted_nothing(monkeypatch) -> None:
    said = iter([0, YEAR_MS, 2 * HOUR_MS, 3 * HOUR_MS, 0])
    monkeypatch.setattr(clock, "now_ms", lambda: next(said))
    purging = clock.PurgeClock()
    believed = [purging.now_ms() for _ in range(4)]
    assert believed == [2 * HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS, 0]
