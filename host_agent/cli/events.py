"""`thingwarden events ...`"""

from dataclasses import asdict
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from host_agent.cli.output import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigPath,
    DeviceName,
    UsageError,
    local_time,
    print_json,
    print_line,
    print_table,
)
from host_agent.cli.store import open_store
from host_agent.store import Caller, State, StoredEvent

app = App(name="events", help="See what became of events; works while the agent runs.")

_MOST = 1_000_000


@app.command(name="list")
def list_(
    *,
    state: Annotated[State | None, Parameter(help="Only in this state.")] = None,
    device: DeviceName = None,
    limit: Annotated[
        int, Parameter(help="How many at most.", validator=Number(gte=1, lte=_MOST))
    ] = 50,
    json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Show events, newest first.

    Example: thingwarden events list --state dead
    """
    with open_store(config) as store:
        found = store.events(state, device, limit)
    if json:
        print_json(asdict(event) for event in found)
        return
    print_table(
        ["id", "time", "clock", "device", "type", "params", "by", "state", "attempts", "reason"],
        map(_row, found),
    )


@app.command
def retry(
    ids: Annotated[list[int] | None, Parameter(help="From `events list --state dead`.")] = None,
    /,
    *,
    all: Annotated[bool, Parameter(negative="", help="Every dead letter.")] = False,  # noqa: A002
    device: DeviceName = None,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Let dead letters be delivered again.

    Example: thingwarden events retry --all --device front-door
    """
    if bool(ids) == all:
        raise UsageError("name the dead letters by id, or all of them with --all")
    with open_store(config) as store:
        count = store.retry_dead(ids, device)
    print_line(f"{count} dead letters will be delivered again")


def _row(event: StoredEvent) -> tuple[object, ...]:
    params = " ".join(f"{name}={value}" for name, value in event.params.items())
    return (
        event.id,
        local_time(event.time_ms),
        event.time_source,
        event.device,
        event.type,
        event.raw or params,
        _by(event.caller),
        event.state,
        event.attempts,
        event.reason,
    )


def _by(caller: Caller | None) -> str | None:
    """Who caused an external event, by the best that is known; None for an event of a board."""
    if caller is None:
        return None
    return caller.user_id or caller.api_key_id or caller.source_ip or "somebody"
