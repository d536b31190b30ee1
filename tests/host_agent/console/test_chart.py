"""A chart's geometry, read back from its SVG."""

import re
from datetime import timedelta, timezone
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_agent.console.pages.chart import HEIGHT, Point, line_chart

ZONE = timezone(timedelta(hours=1))
NOON = 1_795_345_200_000
"""22 November 2026, 12:00 in that zone."""
MINUTE = 60_000


class Drawn:
    """A chart as a browser takes it; places are (per cent of the width, pixels)."""

    def __init__(self, *runs: list[Point], name: str = "room", zone: timezone = ZONE) -> None:
        self.root = ET.fromstring(line_chart(name, runs, "chart-1", zone))

    def of(self, name: str) -> list[ET.Element]:
        return [element for element in self.root.iter() if element.get("class") == name]

    def lines(self) -> list[list[tuple[float, float]]]:
        return [
            [
                (float(x), float(y))
                for x, y in re.findall(r"([-\d.]+),([-\d.]+)", line.get("points", ""))
            ]
            for line in self.of("chart-line")
        ]

    def dots(self, name: str) -> list[tuple[float, float]]:
        return [(across(dot.get("cx", "")), float(dot.get("cy", ""))) for dot in self.of(name)]

    def labels(self, name: str) -> dict[str, tuple[float, float]]:
        return {
            text.text or "": (across(text.get("x", "")), float(text.get("y", "")))
            for text in self.of(name)
        }

    def levels(self) -> list[float]:
        return [float(line.get("y1", "")) for line in self.of("chart-grid")]

    def told(self, name: str) -> str:
        return self.root.findtext(f".//{name}") or ""


def across(place: str) -> float:
    return float(place.removesuffix("%"))


def at(minute: float, value: float) -> Point:
    return Point(NOON + int(minute * MINUTE), value)


def test_points_stand_at_their_time_and_value() -> None:
    chart = Drawn([at(0, 20), at(30, 24), at(60, 22)])
    ((first, top, last),) = chart.lines()
    values, times = chart.labels("chart-value"), chart.labels("chart-time")
    levels = dict(zip(values, chart.levels(), strict=True))
    assert list(values) == ["20", "21", "22", "23", "24"]
    assert (first[1], top[1], last[1]) == (levels["20"], levels["24"], levels["22"])
    assert list(times) == ["12:00", "12:15", "12:30", "12:45", "13:00"]
    assert (first[0], top[0], last[0]) == tuple(
        times[time][0] for time in ("12:00", "12:30", "13:00")
    )
    assert first[0] < top[0] < last[0] and levels["24"] < levels["20"]
    assert list(chart.labels("chart-day")) == ["22 Nov 2026"]


def test_a_gap_is_not_drawn_over() -> None:
    chart = Drawn([at(0, 1), at(1, 2)], [at(30, 2)], [at(60, 2), at(61, 1)])
    before, after = chart.lines()
    ((alone, _),) = chart.dots("chart-lone")
    assert len(before) == len(after) == 2
    assert before[-1][0] < alone < after[0][0]
    assert chart.told("{*}desc").endswith(" 2 gaps.")


def test_the_newest_point_is_marked() -> None:
    chart = Drawn([at(0, 1), at(1, 2)])
    assert chart.dots("chart-newest") == [chart.lines()[0][-1]]


def test_it_tells_its_name_and_what_it_shows() -> None:
    chart = Drawn([at(0, 20.5), at(30, 24), at(60, 22)], name='<b>&"\n\u202e')
    assert chart.told("{*}title") == '<b>&"\\n\\u202e'
    assert chart.told("{*}desc") == (
        "3 values from 20.5 to 24, 22 Nov 2026 12:00:00 to 22 Nov 2026 13:00:00; the newest is 22."
    )
    names = {element.get("id") for element in chart.root.iter() if element.get("id")}
    (image,) = chart.root.findall("svg[@role='img']")
    assert set(image.get("aria-labelledby", "").split()) == names


def test_one_point_has_axes_around_it() -> None:
    chart = Drawn([at(0, 5)])
    ((x, y),) = chart.dots("chart-newest")
    levels = chart.levels()
    assert min(levels) < y < max(levels)
    assert x == 50
    assert "12:00:00" in chart.labels("chart-time")
    assert chart.told("{*}desc") == "One value: 5, 22 Nov 2026 12:00:00."


def test_no_point_says_so() -> None:
    chart = Drawn()
    assert chart.told("{*}desc") == "No values."
    assert list(chart.labels("chart-day")) == ["no values yet"]


@pytest.mark.parametrize("value", [0, -7, 21.4, 2**63 - 1, 1e308, 5e-324])
def test_a_value_that_never_changes_is_a_level_line_between_ticks(value: float) -> None:
    chart = Drawn([at(0, value), at(9, value)])
    ((left, right),) = chart.lines()
    assert left[1] == right[1]
    assert min(chart.levels()) < left[1] < max(chart.levels())


def test_times_that_no_calendar_has_are_left_out() -> None:
    chart = Drawn([Point(-5, 1), at(0, 2), at(1, 3), Point(2**62, 4)])
    assert len(chart.lines()[0]) == 2


finite = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**63 - 1)
points = st.lists(
    st.builds(Point, st.integers(-(2**63), 2**63 - 1) | st.integers(0, 2**42), finite), max_size=8
)


@settings(deadline=None)
@given(st.lists(points, max_size=3), st.text(max_size=20))
def test_whatever_a_board_told_the_drawing_stays_within_its_frame(
    runs: list[list[Point]], name: str
) -> None:
    chart = Drawn(*(sorted(run, key=lambda point: point.time_ms) for run in runs), name=name)
    places = [place for line in chart.lines() for place in line]
    places += chart.dots("chart-lone") + chart.dots("chart-newest")
    assert all(0 <= x <= 100 and 0 <= y <= HEIGHT for x, y in places)
    assert all(x >= 0 for x, _ in chart.labels("chart-value").values())
    shown = sum(0 <= point.time_ms < 32_503_680_000_000 for run in runs for point in run)
    drawn = sum(map(len, chart.lines())) + len(chart.dots("chart-lone"))
    assert drawn == shown
