"""Where an axis has its ticks, and what they say: round numbers, and round local times."""

import math
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo

_INTERVALS = 4
_SPAN_OF_ONE = 0.1
"""How far the axis reaches around a value that never changes, as part of it."""
_FINEST = 1e-9
"""What is closer together than this part of the value looks the same."""
_PLAIN_BELOW = 1e6
_PLAIN_DECIMALS = 5

_SECOND = 1000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_SEASON = 90 * _DAY
_STEPS = (
    *(seconds * _SECOND for seconds in (1, 2, 5, 10, 15, 30)),
    *(minutes * _MINUTE for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * _HOUR for hours in (1, 2, 3, 6, 12)),
    *(days * _DAY for days in (1, 2, 7, 14, 30, 60, 90, 180, 365)),
)


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis, in the unit of the axis, and its label."""

    at: float
    label: str


def value_ticks(low: float, high: float) -> list[Tick]:
    """Three ticks or more; the first is at or below `low`, the last at or above `high`.

    Both are finite, with magnitudes of 1e-200 to 1e300, or 0.
    """
    magnitude = max(abs(low), abs(high))
    if low == high:
        margin = magnitude * _SPAN_OF_ONE or 1.0
    else:
        margin = magnitude * _FINEST if high - low < magnitude * _FINEST else 0.0
    low, high = low - margin, high + margin
    factor, exponent = _round_step((high - low) / _INTERVALS)
    step = factor * 10.0**exponent
    first, last = math.floor(low / step + _FINEST), math.ceil(high / step - _FINEST)
    places = [_exactly(number * factor, exponent) for number in range(first, last + 1)]
    largest = max(abs(places[0]), abs(places[-1]))
    return [Tick(place, _number(place, exponent, largest)) for place in places]


def time_ticks(first_ms: int, last_ms: int, zone: tzinfo | None = None) -> list[Tick]:
    """Up to five ticks between two times (Unix ms), at round times of `zone`, by default of this
    machine; both of 1970 to 3000. A tick at midnight tells the day."""
    span = last_ms - first_ms
    step = next((step for step in _STEPS if step * _INTERVALS >= span), 0)
    if not step:
        step = math.ceil(span / _INTERVALS / _STEPS[-1]) * _STEPS[-1]
    places = _midnights if step >= _DAY else _times_of_day
    return [
        Tick(at, _time(at, step, zone))
        for at in places(first_ms, last_ms, step, zone)
        if first_ms <= at <= last_ms
    ]


def day(time_ms: float, zone: tzinfo | None = None) -> str:
    """As in "22 Nov 2026"."""
    return _local(time_ms, zone).strftime("%d %b %Y").lstrip("0")


def _round_step(least: float) -> tuple[int, int]:
    """(1, 2 or 5, a power of ten): the smallest such step that is no smaller than `least`."""
    exponent = math.floor(math.log10(least))
    for factor in (1, 2, 5):
        if factor * 10.0**exponent >= least:
            return factor, exponent
    return 1, exponent + 1


def _exactly(number: int, exponent: int) -> float:
    """number * 10 ** exponent, rounded once."""
    return float(number * 10**exponent) if exponent >= 0 else number / 10**-exponent


def _number(value: float, exponent: int, largest: float) -> str:
    """With as many digits as tell the ticks apart, which are 10 ** exponent apart or more."""
    if largest < _PLAIN_BELOW and exponent >= -_PLAIN_DECIMALS:
        return f"{value:.{max(0, -exponent)}f}"
    if value == 0:
        return "0"
    digits = max(0, math.floor(math.log10(abs(value))) - exponent)
    mantissa, power = f"{value:.{digits}e}".split("e")
    return f"{mantissa}e{int(power)}"


def _times_of_day(first_ms: int, last_ms: int, step: int, zone: tzinfo | None) -> range:
    midnight = _midnight_ms(_local(first_ms, zone))
    start = midnight - (midnight - first_ms) // step * step
    return range(start, last_ms + 1, step)


def _midnights(first_ms: int, last_ms: int, step: int, zone: tzinfo | None) -> list[int]:
    """Every so many days, also where a day has 23 or 25 hours."""
    start, count = _local(first_ms, zone), (last_ms - first_ms) // step + 2
    return [_midnight_ms(start + number * timedelta(milliseconds=step)) for number in range(count)]


def _midnight_ms(moment: datetime) -> int:
    midnight = datetime.combine(moment.date(), time(), moment.tzinfo)
    return int(midnight.timestamp()) * 1000


def _time(time_ms: float, step: int, zone: tzinfo | None) -> str:
    moment = _local(time_ms, zone)
    if step >= _SEASON:
        return moment.strftime("%b %Y")
    if moment.time() == time():
        return moment.strftime("%d %b").lstrip("0")
    return moment.strftime("%H:%M:%S" if step < _MINUTE else "%H:%M")


def _local(time_ms: float, zone: tzinfo | None) -> datetime:
    """Without a zone if it is this machine's: then arithmetic and `timestamp` know its changes."""
    return datetime.fromtimestamp(time_ms / 1000, zone)
