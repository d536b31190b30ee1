"""Ticks are round, cover what they must, and can be told apart."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_agent.console.pages.axes import day, time_ticks, value_ticks

BERLIN = ZoneInfo("Europe/Berlin")


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp() * 1000)


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0, 1, "0.0 0.5 1.0"),
        (20.1, 23.9, "20 21 22 23 24"),
        (-3, 12, "-5 0 5 10 15"),
        (0.0012, 0.0019, "0.0012 0.0014 0.0016 0.0018 0.0020"),
        (5, 5, "4.5 5.0 5.5"),
        (0, 0, "-1.0 -0.5 0.0 0.5 1.0"),
        (0, 3.3e7, "0 1e7 2e7 3e7 4e7"),
        (100_000, 100_001, "100000.0 100000.5 100001.0"),
        (-1e300, 1e300, "-1.0e300 -5e299 0 5e299 1.0e300"),
        (2e-9, 3e-9, "2.0e-9 2.5e-9 3.0e-9"),
    ],
    ids=str,
)
def test_values_have_round_ticks(low: float, high: float, labels: str) -> None:
    assert " ".join(tick.label for tick in value_ticks(low, high)) == labels


magnitudes = st.one_of(
    st.just(0.0),
    st.floats(1e-200, 1e300),
    st.floats(-1e300, -1e-200),
)


@settings(deadline=None)
@given(magnitudes, magnitudes)
def test_ticks_of_any_values_cover_them_and_can_be_told_apart(one: float, other: float) -> None:
    low, high = sorted((one, other))
    ticks = value_ticks(low, high)
    places = [tick.at for tick in ticks]
    slack = max(places[-1] - places[0], 0) * 1e-6
    assert places[0] <= low + slack and high - slack <= places[-1]
    assert 3 <= len(ticks) <= 7
    assert places == sorted(set(places))
    assert len({tick.label for tick in ticks}) == len(ticks)
    assert all(len(tick.label) <= 16 for tick in ticks)


@pytest.mark.parametrize(
    ("first", "last", "labels"),
    [
        ("2026-11-22T09:00:00", "2026-11-22T10:00:00", "09:00 09:15 09:30 09:45 10:00"),
        ("2026-11-22T09:00:01", "2026-11-22T09:00:11", "09:00:05 09:00:10"),
        ("2026-11-21T20:30:00", "2026-11-22T05:10:00", "21:00 22 Nov 03:00"),
        ("2026-11-18T12:00:00", "2026-11-22T12:00:00", "19 Nov 20 Nov 21 Nov 22 Nov"),
        ("2024-01-10T00:00:00", "2026-11-22T00:00:00", "Jan 2024 Jan 2025 Jan 2026"),
    ],
    ids=lambda text: text.replace(":", ""),
)
def test_times_have_round_local_ticks(first: str, last: str, labels: str) -> None:
    ticks = time_ticks(ms(first), ms(last), BERLIN)
    assert " ".join(tick.label for tick in ticks) == labels


def test_days_begin_at_midnight_where_the_clock_was_changed() -> None:
    ticks = time_ticks(ms("2026-10-24T00:00:00"), ms("2026-10-27T00:00:00"), BERLIN)
    assert [tick.at for tick in ticks] == [ms(f"2026-10-{day}T00:00:00") for day in range(24, 28)]


@settings(deadline=None)
@given(st.integers(0, 32_000_000_000_000), st.integers(10_000, 10**12))
def test_any_times_have_few_ticks_within_them(first: int, span: int) -> None:
    last = min(first + span, 32_400_000_000_000)
    ticks = time_ticks(first, last, BERLIN)
    assert len(ticks) <= 5
    assert all(first <= tick.at <= last for tick in ticks)


def test_a_day_is_told_in_words() -> None:
    assert day(ms("2026-11-02T23:59:59"), BERLIN) == "2 Nov 2026"
