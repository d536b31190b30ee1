"""What a board's events tell of its inputs: the newest values, and how they went.

Names and values are the board's own, so that nothing may be made of their number or size.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from statistics import median
from typing import TypeAlias

from host_agent.console.pages.chart import Point
from host_agent.console.pages.telling import in_short
from host_agent.store import StoredEvent

MAX_READINGS = 64
"""The most that a page shows of a device: as many as an event can have."""

_MAX_NAME = 48
_OF_SENSORS = "_reading"
_NUMBER_OF_ATTEMPT = ("lock_activate", "attempt")
"""Tells which attempt at a door it was; nothing is measured."""
HEARTBEAT_MS = 6 * 60_000
"""A board tells a value that stays the same every 5 minutes (firmware/README.md, `heartbeat_s`);
after a longer silence nobody knows what it was meanwhile."""
_PAUSES = 3
"""Of a board with a slower heartbeat: so many times its usual pause."""

Value: TypeAlias = bool | int | float


@dataclass(frozen=True, slots=True)
class Reading:
    """One parameter of one type of events: its newest value, and all numbers that it had, oldest
    first, split where its board was away."""

    type: str
    param: str
    value: Value
    event: StoredEvent
    runs: list[list[Point]]

    @property
    def name(self) -> str:
        """Without what the types of sensors end with, and without the sensor's own name twice."""
        source = self.type.removesuffix(_OF_SENSORS)
        return in_short(self.param if source == self.param else f"{source} {self.param}", _MAX_NAME)

    @property
    def points(self) -> list[Point]:
        return [point for run in self.runs for point in run]


def readings(events: Sequence[StoredEvent]) -> list[Reading]:
    """Of a device's events, newest first: every parameter that is a number or true or false;
    texts in between are passed over."""
    found: dict[tuple[str, str], list[tuple[StoredEvent, Value]]] = {}
    for event in events:
        if event.boot is None:
            continue
        for param, value in event.params.items():
            if (event.type, param) == _NUMBER_OF_ATTEMPT:
                continue
            if not isinstance(value, str) and isfinite(value):
                found.setdefault((event.type, param), []).append((event, value))
    made = [_reading(*key, values) for key, values in found.items()]
    return sorted(made, key=_place)


def _place(reading: Reading) -> tuple[bool, str, str]:
    """What sensors measure comes first."""
    return not reading.type.endswith(_OF_SENSORS), reading.name, reading.type


def _reading(type_: str, param: str, values: list[tuple[StoredEvent, Value]]) -> Reading:
    event, newest = values[0]
    numbers = [(event, value) for event, value in values if not isinstance(value, bool)]
    numbers.sort(key=lambda number: (number[0].time_ms, number[0].id))
    return Reading(type_, param, newest, event, _runs(numbers))


def _runs(numbers: Sequence[tuple[StoredEvent, int | float]]) -> list[list[Point]]:
    """Split where the board started anew, or was silent for longer than it should be."""
    longest = _longest_pause(event.time_ms for event, _ in numbers)
    runs: list[list[Point]] = []
    last: StoredEvent | None = None
    for event, value in numbers:
        if last is None or event.boot != last.boot or event.time_ms - last.time_ms > longest:
            runs.append([])
        runs[-1].append(Point(event.time_ms, value))
        last = event
    return runs


def _longest_pause(times: Iterable[int]) -> float:
    pauses = [later - earlier for earlier, later in pairwise(times)]
    return max(HEARTBEAT_MS, _PAUSES * median(pauses)) if pauses else HEARTBEAT_MS
