"""What an answer means for its event; no I/O."""

import enum
import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from host_agent.delivery.settings import DeliverySettings
from host_agent.store import Dead, Outgoing, Retry

RETRY_AFTER_MAX_S = 3600.0
_EXPONENT_MAX = 32  # beyond any cap; keeps the power a small number
_EXCERPT_CHARACTERS = 200
_RETRYABLE = frozenset({408, 425, 429})


class Fate(enum.Enum):
    """What becomes of an event after an answer."""

    DELIVERED = "delivered"
    RETRY = "retry"
    DEAD = "dead"
    REFUSED = "paused"
    """The credentials are refused, which says nothing about the event."""


def fate(status: int) -> Fate:
    """Redirects are not followed: they may heal, so they are retried like a server's failure."""
    if 200 <= status < 300:
        return Fate.DELIVERED
    if status in (401, 403):
        return Fate.REFUSED
    if 400 <= status < 500 and status not in _RETRYABLE:
        return Fate.DEAD
    return Fate.RETRY


def failed(
    event: Outgoing,
    reason: str,
    now_ms: int,
    settings: DeliverySettings,
    retry_after_s: float = 0.0,
) -> Retry | Dead:
    """The next attempt of an event that failed for now, or its end after `give_up_after_s`. Time in
    which nobody tried, because a laptop slept or its clock was set, is no failure: with the longest
    pauses so many attempts must fill it."""
    attempts = event.attempts + 1
    first_ms = now_ms if event.first_attempt_ms is None else min(event.first_attempt_ms, now_ms)
    failing_s = min((now_ms - first_ms) / 1000, attempts * longest_pause_s(settings))
    if failing_s >= settings.give_up_after_s:
        return Dead(event.id, f"given up after {attempts} attempts; the last: {reason}")
    delay_s = max(retry_delay_s(event.attempts, settings), retry_after_s)
    return Retry(
        id=event.id,
        attempts=attempts,
        first_attempt_ms=first_ms,
        next_ms=now_ms + int(delay_s * 1000),
        reason=reason,
    )


def retry_delay_s(attempts: int, settings: DeliverySettings) -> float:
    """Full jitter: anything up to a bound that doubles with every failed attempt."""
    bound = settings.retry_base_s * 2.0 ** min(attempts, _EXPONENT_MAX)
    return random.uniform(0, min(settings.retry_cap_s, bound))  # noqa: S311  spreads load only


def longest_pause_s(settings: DeliverySettings) -> float:
    """Between two attempts."""
    return max(settings.retry_cap_s, RETRY_AFTER_MAX_S)


def retry_after_s(header: str | None, now: datetime) -> float:
    """Seconds that a Retry-After header asks for (RFC 9110 10.2.3), at most RETRY_AFTER_MAX_S;
    0 without a header or for one that cannot be read."""
    if header is None:
        return 0.0
    if header.strip().isdecimal():
        return min(float(header), RETRY_AFTER_MAX_S)
    try:
        date = parsedate_to_datetime(header)
    except Exception:  # noqa: BLE001  a zone of many digits raises OverflowError, for one
        return 0.0
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return min(max(0.0, (date - now).total_seconds()), RETRY_AFTER_MAX_S)


def excerpt(text: str) -> str:
    """The beginning of an answer as one line without control characters."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:_EXCERPT_CHARACTERS]
