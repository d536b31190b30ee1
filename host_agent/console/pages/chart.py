"""A line chart as SVG: a pure function of its points. Colours come from static/charts.css.

It is as wide as its place: across, everything stands at a part of the width, and only the line is
stretched; text and marks stay as large as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from itertools import chain

from markupsafe import Markup

from host_agent.console.pages.axes import Tick, day, time_ticks, value_ticks
from host_agent.text import printable

HEIGHT = 180
"""In pixels."""

_TOP, _BOTTOM = 10, HEIGHT - 36
_CHARACTER = 7
"""The width of one in a label, at most."""
_SHORTEST_MS = 10_000
_LARGEST, _SMALLEST = 1e300, 1e-200
"""Beyond these, differences and steps would overflow."""
_TIMES = range(int(datetime(3000, 1, 1, tzinfo=UTC).timestamp() * 1000))


@dataclass(frozen=True, slots=True)
class Point:
    """A finite value, and when it was taken (Unix ms)."""

    time_ms: int
    value: float


def line_chart(
    name: str, runs: Sequence[Sequence[Point]], element_id: str, zone: tzinfo | None = None
) -> Markup:
    """A `<div>` of `runs`: each by ascending times, one line; between them is a gap.

    `name` may be any text; it is the title. Times show in `zone`, by default that of this machine;
    points of before 1970 or after 3000 are left out. `element_id` is unique on its page.
    """
    runs = [kept for run in runs if (kept := [point for point in run if point.time_ms in _TIMES])]
    points = list(chain.from_iterable(runs))
    scales = _Scales(points, zone) if points else None
    return Markup(
        '<div class="chart">{values}'
        '<svg role="img" height="{height}" aria-labelledby="{id}-title {id}-desc">'
        '<title id="{id}-title">{name}</title><desc id="{id}-desc">{summary}</desc>{drawing}</svg>'
        "</div>"
    ).format(
        values=scales.values() if scales else "",
        height=HEIGHT,
        id=element_id,
        name=printable(name),
        summary=_summary(runs, points, zone),
        drawing=scales.drawing(runs) if scales else _nothing(),
    )


class _Scales:
    """From times to parts of the width in per cent, from values to pixels from the top. There is
    at least one point."""

    def __init__(self, points: Sequence[Point], zone: tzinfo | None) -> None:
        self._zone = zone
        values = [_drawable(point.value) for point in points]
        self._values = value_ticks(min(values), max(values))
        self._low, self._high = self._values[0].at, self._values[-1].at
        times = [point.time_ms for point in points]
        self._first, self._last = min(times), max(times)
        missing = max(0, _SHORTEST_MS - (self._last - self._first))
        self._start, self._end = self._first - missing // 2, self._last + missing // 2

    def values(self) -> Markup:
        """The labels of the values, to stand at the left of the drawing."""
        width = 8 + _CHARACTER * max(len(tick.label) for tick in self._values)
        return Markup('<svg aria-hidden="true" width="{}" height="{}">{}</svg>').format(
            width,
            HEIGHT,
            _joined(
                *(
                    _text("chart-value", str(width - 6), self._y(tick.at) + 4, tick.label)
                    for tick in self._values
                )
            ),
        )

    def drawing(self, runs: Sequence[Sequence[Point]]) -> Markup:
        newest = max(chain.from_iterable(runs), key=lambda point: point.time_ms)
        times = time_ticks(max(self._start, 0), self._end, self._zone)
        return _joined(
            *map(self._level, self._values),
            *map(self._moment, times),
            _text("chart-day", "50%", HEIGHT - 4, self._days()),
            self._lines(runs),
            *(self._dot("chart-lone", run[0]) for run in runs if len(run) == 1),
            self._dot("chart-newest", newest),
        )

    def _x(self, time_ms: float) -> float:
        return 100 * (time_ms - self._start) / (self._end - self._start)

    def _y(self, value: float) -> float:
        part = (value - self._low) / (self._high - self._low)
        return _BOTTOM - part * (_BOTTOM - _TOP)

    def _level(self, tick: Tick) -> Markup:
        y = self._y(tick.at)
        return _line("chart-grid", 0, y, 100, y)

    def _moment(self, tick: Tick) -> Markup:
        x = self._x(tick.at)
        line = _line("chart-tick", x, _BOTTOM, x, _BOTTOM + 4)
        return line + _text("chart-time", f"{_place(x)}%", _BOTTOM + 17, tick.label)

    def _days(self) -> str:
        first, last = day(self._first, self._zone), day(self._last, self._zone)
        return first if first == last else f"{first} to {last}"

    def _lines(self, runs: Sequence[Sequence[Point]]) -> Markup:
        return Markup(
            '<svg height="{height}" viewBox="0 0 100 {height}" preserveAspectRatio="none">{}</svg>'
        ).format(_joined(*(self._line(run) for run in runs if len(run) > 1)), height=HEIGHT)

    def _line(self, run: Sequence[Point]) -> Markup:
        places = (
            f"{_place(self._x(p.time_ms))},{_place(self._y(_drawable(p.value)))}" for p in run
        )
        return Markup('<polyline class="chart-line" points="{}"/>').format(" ".join(places))

    def _dot(self, name: str, point: Point) -> Markup:
        x, y = self._x(point.time_ms), self._y(_drawable(point.value))
        return Markup('<circle class="{}" cx="{}%" cy="{}" r="3"/>').format(
            name, _place(x), _place(y)
        )


def _summary(runs: Sequence[Sequence[Point]], points: Sequence[Point], zone: tzinfo | None) -> str:
    if not points:
        return "No values."
    first = min(points, key=lambda point: point.time_ms)
    newest = max(points, key=lambda point: point.time_ms)
    if len(points) == 1:
        return f"One value: {first.value!r}, {_moment(first.time_ms, zone)}."
    values = [point.value for point in points]
    gaps = {1: "", 2: " One gap."}.get(len(runs), f" {len(runs) - 1} gaps.")
    return (
        f"{len(points)} values from {min(values)!r} to {max(values)!r},"
        f" {_moment(first.time_ms, zone)} to {_moment(newest.time_ms, zone)};"
        f" the newest is {newest.value!r}.{gaps}"
    )


def _moment(time_ms: int, zone: tzinfo | None) -> str:
    clock = datetime.fromtimestamp(time_ms / 1000, zone).strftime("%H:%M:%S")
    return f"{day(time_ms, zone)} {clock}"


def _drawable(value: float) -> float:
    if abs(value) < _SMALLEST:
        return 0.0
    return float(max(-_LARGEST, min(_LARGEST, value)))


def _nothing() -> Markup:
    return _text("chart-day", "50%", HEIGHT / 2, "no values yet")


def _line(name: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    return Markup('<line class="{}" x1="{}%" y1="{}" x2="{}%" y2="{}"/>').format(
        name, _place(x1), _place(y1), _place(x2), _place(y2)
    )


def _text(name: str, x: str, y: float, text: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{}">{}</text>').format(name, x, _place(y), text)


def _place(number: float) -> str:
    """To a hundredth, as short as it goes."""
    return f"{number:.2f}".rstrip("0").removesuffix(".")


def _joined(*parts: Markup) -> Markup:
    return Markup("").join(parts)
