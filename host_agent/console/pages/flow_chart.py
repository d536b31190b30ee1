"""The flow per minute as bars: what came in rises from the middle, what went out hangs below."""

from collections.abc import Sequence
from dataclasses import dataclass

from host_agent.console.flow import MINUTE_MS, Minute

_SLOT, _BAR = 10, 8
_HALF = 50
_LEAST = 2.0
"""Height of the lowest bar, so that one event shows beside thousands."""


@dataclass(frozen=True, slots=True)
class Bar:
    """`kind` is a field of Minute. Its place is in units of the chart's viewBox."""

    kind: str
    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class FlowChart:
    """`width` by `height`, with the line between in and out at half of it. `most` events in one
    minute and direction fill a half."""

    minutes: Sequence[Minute]
    bars: Sequence[Bar]
    most: int

    width = _SLOT * 60
    height = 2 * _HALF
    bar_width = _BAR

    @property
    def received(self) -> int:
        return sum(minute.received for minute in self.minutes)

    @property
    def delivered(self) -> int:
        return sum(minute.delivered for minute in self.minutes)

    @property
    def dead(self) -> int:
        return sum(minute.dead for minute in self.minutes)

    @property
    def times_ms(self) -> tuple[int, int, int]:
        """The beginning, the middle and the end."""
        first, last = self.minutes[0].start_ms, self.minutes[-1].start_ms + MINUTE_MS
        return first, (first + last) // 2, last


def flow_chart(minutes: Sequence[Minute]) -> FlowChart:
    """The chart of so many minutes, oldest first; at least one."""
    most = max(max(minute.received, minute.delivered + minute.dead) for minute in minutes)
    bars: list[Bar] = []
    for place, minute in enumerate(minutes):
        x = place * _SLOT + (_SLOT - _BAR) / 2
        received = _height(minute.received, most)
        delivered = _height(minute.delivered, most)
        dead = _height(minute.dead, most)
        bars += [
            bar
            for bar in (
                Bar("received", x, _HALF - received, received),
                Bar("delivered", x, _HALF, delivered),
                Bar("dead", x, _HALF + delivered, dead),
            )
            if bar.height
        ]
    return FlowChart(minutes, bars, most)


def _height(count: int, most: int) -> float:
    return round(max(_LEAST, count / most * (_HALF - _LEAST)), 1) if count else 0
