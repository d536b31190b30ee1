"""A line chart as SVG: a pure function of its points. Colours come from static/console.css."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from itertools import chain

from markupsafe import Markup

from host_agent.console.pages.axes import Tick, day, time_ticks, value_ticks
from host_agent.text import printable

WIDTH = 360
HEIGHT = 180
"""In units of the drawing, a pixel or so: small enough to be readable on a phone."""

_TOP, _RIGHT, _BOTTOM = 10, 26, 36
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
    """An `<svg>` of `runs`: each by ascending times, one line; between them is a gap.

    `name` may be any text; it is the title. Times show in `zone`, by default that of this machine;
    points of before 1970 or after 3000 are left out. `element_id` is unique on its page.
    """
    runs = [kept for run in runs if (kept := [point for point in run if point.time_ms in _TIMES])]
    points = list(chain.from_iterable(runs))
    drawing = _Scales(points, zone).drawing(runs) if points else _nothing()
    return Markup(
        '<svg class="chart" role="img" viewBox="0 0 {width} {height}"'
        ' aria-labelledby="{id}-title {id}-desc">'
        '<title id="{id}-title">{name}</title><desc id="{id}-desc">{summary}</desc>{drawing}</svg>'
    ).format(
        width=WIDTH,
        height=HEIGHT,
        id=element_id,
        name=printable(name),
        summary=_summary(runs, points, zone),
        drawing=drawing,
    )


class _Scales:
    """From times and values to places in the drawing. There is at least one point."""

    def __init__(self, points: Sequence[Point], zone: tzinfo | None) -> None:
        self._zone = zone
        values = [_drawable(point.value) for point in points]
        self._values = value_ticks(min(values), max(values))
        self._low, self._high = self._values[0].at, self._values[-1].at
        times = [point.time_ms for point in points]
        self._first, self._last = min(times), max(times)
        missing = max(0, _SHORTEST_MS - (self._last - self._first))
        self._start, self._end = self._first - missing // 2, self._last + missing // 2
        self._left = 8 + _CHARACTER * max(len(tick.label) for tick in self._values)
        self._right, self._bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM

    def drawing(self, runs: Sequence[Sequence[Point]]) -> Markup:
        newest = max(chain.from_iterable(runs), key=lambda point: point.time_ms)
        times = time_ticks(max(self._start, 0), self._end, self._zone)
        return _joined(
            *map(self._level, self._values),
            *map(self._moment, times),
            _text("chart-day", (self._left + self._right) / 2, HEIGHT - 4, self._days()),
            *map(self._line, runs),
            self._dot("chart-newest", newest),
        )

    def _x(self, time_ms: float) -> float:
        part = (time_ms - self._start) / (self._end - self._start)
        return self._left + part * (self._right - self._left)

    def _y(self, value: float) -> float:
        part = (value - self._low) / (self._high - self._low)
        return self._bottom - part * (self._bottom - _TOP)

    def _level(self, tick: Tick) -> Markup:
        y = self._y(tick.at)
        line = _line("chart-grid", self._left, y, self._right, y)
        return line + _text("chart-value", self._left - 6, y + 4, tick.label)

    def _moment(self, tick: Tick) -> Markup:
        x = self._x(tick.at)
        line = _line("chart-tick", x, self._bottom, x, self._bottom + 4)
        return line + _text("chart-time", x, self._bottom + 17, tick.label)

    def _days(self) -> str:
        first, last = day(self._first, self._zone), day(self._last, self._zone)
        return first if first == last else f"{first} to {last}"

    def _line(self, run: Sequence[Point]) -> Markup:
        if len(run) == 1:
            return self._dot("chart-lone", run[0])
        places = (
            f"{_place(self._x(p.time_ms))},{_place(self._y(_drawable(p.value)))}" for p in run
        )
        return Markup('<polyline class="chart-line" points="{}"/>').format(" ".join(places))

    def _dot(self, name: str, point: Point) -> Markup:
        x, y = self._x(point.time_ms), self._y(_drawable(point.value))
        return Markup('<circle class="{}" cx="{}" cy="{}" r="3"/>').format(
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
    return _text("chart-day", WIDTH / 2, HEIGHT / 2, "no values yet")


def _line(name: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
        name, _place(x1), _place(y1), _place(x2), _place(y2)
    )


def _text(name: str, x: float, y: float, text: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{}">{}</text>').format(
        name, _place(x), _place(y), text
    )


def _place(number: float) -> str:
    """To a tenth, as short as it goes."""
    return f"{number:.1f}".removesuffix(".0")


def _joined(*parts: Markup) -> Markup:
    return Markup("").join(parts)
