"""How many events came and went in each of the last minutes, as the metrics count them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from prometheus_client import Counter

from host_agent.clock import now_ms
from host_agent.metrics import Metrics

MINUTES = 60
MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Minute:
    """The events of a minute that began at `start_ms`; `dead` ones were received too."""

    start_ms: int
    received: int = 0
    delivered: int = 0
    dead: int = 0


@dataclass(frozen=True, slots=True)
class _Sample:
    """The minutes up to a moment, and the counters then, by the names of Minute's fields."""

    minutes: list[Minute]
    totals: dict[str, int]


class Flow:
    """Sampled once in a while, or what came since counts for the minute of the next sample.
    `clock` tells Unix ms."""

    def __init__(self, metrics: Metrics, clock: Callable[[], int] = now_ms) -> None:
        self._metrics = metrics
        self._clock = clock
        self._last = _Sample(_empty(_minute_of(clock())), self._counted())

    def sample(self) -> None:
        """From one thread."""
        self._last = self._now()

    def minutes(self) -> list[Minute]:
        """The last MINUTES, oldest first; the last one is not over. From any thread."""
        return self._now().minutes

    def _now(self) -> _Sample:
        last, totals = self._last, self._counted()
        *earlier, current = _up_to(last.minutes, _minute_of(self._clock()))
        grown = {
            name: getattr(current, name) + total - last.totals[name]
            for name, total in totals.items()
        }
        return _Sample([*earlier, replace(current, **grown)], totals)

    def _counted(self) -> dict[str, int]:
        events, deliveries = (
            _by_outcome(self._metrics.events),
            _by_outcome(self._metrics.deliveries),
        )
        unreadable = events.get("dead", 0)
        return {
            "received": events.get("stored", 0) + events.get("external", 0) + unreadable,
            "delivered": deliveries.get("delivered", 0),
            "dead": deliveries.get("dead", 0) + unreadable,
        }


def _by_outcome(counter: Counter) -> dict[str, int]:
    (family,) = counter.collect()
    samples = [sample for sample in family.samples if sample.name.endswith("_total")]
    return {sample.labels["outcome"]: int(sample.value) for sample in samples}


def _minute_of(at_ms: int) -> int:
    return at_ms - at_ms % MINUTE_MS


def _empty(last_ms: int, count: int = MINUTES) -> list[Minute]:
    """Minutes without events, the last of which began at `last_ms`."""
    return [Minute(last_ms - MINUTE_MS * ago) for ago in reversed(range(count))]


def _up_to(minutes: list[Minute], last_ms: int) -> list[Minute]:
    """As many minutes, up to that one; after a jump of the clock there is nothing to go on with."""
    passed = (last_ms - minutes[-1].start_ms) // MINUTE_MS
    if not 0 <= passed < MINUTES:
        return _empty(last_ms)
    return [*minutes[passed:], *_empty(last_ms, passed)]
