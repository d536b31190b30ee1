"""The way of one event: captured, received, stored, tried, delivered or given up."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from markupsafe import Markup

from host_agent.console.pages.telling import duration
from host_agent.store import StoredEvent, TimeSource

_CLOCKS: dict[TimeSource, str] = {
    "board": "by the board's clock",
    "age": "by its age when it arrived: the board did not know the time",
    "arrival": "when it was captured is not known: the board told no time",
    "agent": "by the agent's clock",
}


@dataclass(frozen=True, slots=True)
class Step:
    """`kind` is good, bad, warn or idle; `at_ms` None: nobody noted when, or it is still to come.
    `after` tells how long after the step before."""

    title: str
    kind: str
    at_ms: int | None
    details: str = ""
    after: str = ""


def journey(event: StoredEvent, now_ms: int) -> list[Step]:
    """Its steps so far, in their order."""
    steps = list(_steps(event, now_ms))
    return [steps[0], *(_timed(before, step) for before, step in pairwise(steps))]


def precisely(time_ms: int) -> str:
    """Local time to the millisecond; the number alone for one that no calendar has."""
    try:
        moment = datetime.fromtimestamp(time_ms / 1000, UTC).astimezone()
    except (ValueError, OverflowError, OSError):
        return f"{time_ms} ms"
    text = moment.strftime("%Y-%m-%d %H:%M:%S") + f".{time_ms % 1000:03}"
    return Markup('<time datetime="{}">{}</time>').format(
        moment.isoformat(timespec="milliseconds"), text
    )


def can_be_retried(event: StoredEvent) -> bool:
    """What a board sent that is no event can never be delivered."""
    return event.state == "dead" and bool(event.type)


def _steps(event: StoredEvent, now_ms: int) -> Iterator[Step]:
    by_clock = _CLOCKS[event.time_source]
    if event.caller is not None:
        yield Step("Asked for", "good", event.time_ms, by_clock)
        kept = "on disk"
    else:
        if event.time_source != "arrival":
            yield Step("Captured", "good", event.time_ms, by_clock)
        no_clock = by_clock if event.time_source == "arrival" else ""
        yield Step("Received", "good", event.accepted_ms, no_clock)
        kept = "on disk; then the board was told that it may forget it"
    if not event.type:
        yield Step(
            "Refused", "bad", event.accepted_ms, f"what the board sent is no event: {event.reason}"
        )
    if event.stored_ms is not None:
        yield Step("Stored", "good", event.stored_ms, kept)
    if event.attempts:
        times = "once" if event.attempts == 1 else f"{event.attempts} times"
        last = f"; the last time: {event.reason}" if event.reason else ""
        yield Step("Tried in vain", "warn", event.first_attempt_ms, f"{times}{last}")
    if event.type:
        yield _end(event, now_ms)


def _end(event: StoredEvent, now_ms: int) -> Step:
    if event.state == "delivered":
        return Step("Delivered", "good", event.settled_ms, "SecuriThings took it")
    if event.state == "dead":
        return Step("Given up", "bad", event.settled_ms, event.reason)
    if event.next_ms > now_ms:
        return Step("Waits for its next try", "warn", event.next_ms)
    return Step("Waits for delivery", "warn", None)


def _timed(before: Step, step: Step) -> Step:
    if before.at_ms is None or step.at_ms is None:
        return step
    gap = step.at_ms - before.at_ms
    after = f"{duration(gap)} later" if gap >= 0 else f"{duration(-gap)} earlier (clocks differ)"
    return Step(step.title, step.kind, step.at_ms, step.details, after)
