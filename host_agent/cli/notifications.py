"""`thingwarden notifications ...` and `thingwarden attempts ...`: what GuardianKey said."""

from typing import Annotated, Any

from cyclopts import App, Parameter
from cyclopts.validators import Number

from host_agent.cli.output import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigPath,
    DeviceName,
    local_time,
    print_json,
    print_table,
)
from host_agent.cli.store import open_store
from host_agent.store import StoredAttempt, StoredNotification

notifications = App(
    name="notifications", help="See what GuardianKey told by webhook; works while the agent runs."
)
attempts = App(
    name="attempts", help="See how access attempts were judged; works while the agent runs."
)

_MOST = 100_000
_ID_SHOWN = 12
"""Characters of an event's id in a table; GuardianKey's have 64."""
_ID_COLUMN = "event id"

Limit = Annotated[int, Parameter(help="How many at most.", validator=Number(gte=1, lte=_MOST))]


@notifications.command(name="list")
def list_notifications(
    *, limit: Limit = 50, json: AsJson = False, config: ConfigPath = DEFAULT_CONFIG
) -> None:
    """Show notifications, newest first.

    The table shows how an event's id starts; --json shows the whole id, as `guardiankey resolve`
    takes it.
    """
    with open_store(config) as store:
        rows = [_notification(found) for found in store.notifications(limit)]
    if json:
        print_json(rows)
    else:
        columns = ["time", "received", "user", "verdict", "risk", "service", "address", _ID_COLUMN]
        print_table(columns, map(_cells, rows), whole=_ID_COLUMN)


@attempts.command(name="list")
def list_attempts(
    *,
    device: DeviceName = None,
    limit: Limit = 50,
    json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Show access attempts, newest first.

    The table shows how an event's id starts; --json shows the whole id, as `guardiankey resolve`
    takes it.

    Example: thingwarden attempts list --device front-door
    """
    with open_store(config) as store:
        rows = [_attempt(found) for found in store.attempts(device, limit)]
    if json:
        print_json(rows)
    else:
        columns = ["received", "device", "attempt", "verdict", "risk", "reason", _ID_COLUMN, "ms"]
        print_table(columns, map(_cells, rows), whole=_ID_COLUMN)


def _notification(found: StoredNotification) -> dict[str, Any]:
    return {
        "time_ms": found.generated_ms,
        "received_ms": found.received_ms,
        "user": found.user,
        "verdict": found.response,
        "risk": found.risk,
        "service": found.service,
        "client_ip": found.client_ip,
        "event_id": found.event_id,
    }


def _attempt(found: StoredAttempt) -> dict[str, Any]:
    verdict = found.verdict
    return {
        "received_ms": verdict.received_ms,
        "device": found.device,
        "attempt": verdict.attempt,
        "verdict": verdict.response,
        "risk": verdict.risk,
        "reason": verdict.reason,
        "event_id": verdict.event_id,
        "took_ms": verdict.took_ms,
    }


def _cells(row: dict[str, Any]) -> list[object]:
    """The row for a person: times as such, and the start of the event's id."""
    times = {name: local_time(row[name]) for name in ("time_ms", "received_ms") if name in row}
    return [*(row | times | {"event_id": row["event_id"][:_ID_SHOWN]}).values()]
