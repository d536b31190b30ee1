"""`thingwarden command ...`"""

import json as json_text
import time
from typing import Annotated, Any

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
from host_agent.commands import TTL_S, Command
from host_agent.errors import ThingWardenError
from host_agent.store import Store, UnknownDevice
from host_agent.values import parse_value

app = App(name="command", help="Have a board do something, such as switch an output.")

_LOOK_EVERY_S = 0.02
_MOST = 1_000_000


class CommandFailed(ThingWardenError):
    """The board did not do it, or nobody knows whether it did."""


@app.command
def send(
    device: Annotated[str, Parameter(help="The device's name.")],
    name: Annotated[str, Parameter(help="The command, as the board's config.json names it.")],
    value: Annotated[str | None, Parameter(help="Its value: on, off, true, 3, text.")] = None,
    /,
    *,
    ttl: Annotated[float, Parameter(help="Seconds in which the board may do it.")] = TTL_S,
    wait: Annotated[float, Parameter(help="Seconds to wait for the result; 0: not at all.")] = 10,
    json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Send a command to a board and wait for its result; the board does it once or never.

    Exit code 1 unless it was done; with --wait 0 once it is on its way.

    Example: thingwarden command send front-door power on
    """
    if not wait >= 0:
        raise UsageError(f"--wait {wait}: must be 0 or more seconds")
    args = None if value is None else parse_value(value)
    with open_store(config) as store:
        command = store.commands.add(device, name, args, ttl)
        known = store.device(device)
        takes_commands = known is not None and known.commanded is not None
        if not takes_commands and not json:
            print_line(
                f"{device} has not said yet that it takes commands, which it does once it is in"
                " touch, if its config.json has `commands`"
            )
        command = _awaited(store, command, wait)
    if json:
        print_line(json_text.dumps(_row(command)))
    elif command.state == "done" or not wait:
        print_line(_told(command))
    if wait and command.state != "done":
        raise CommandFailed(_told(command))


@app.command(name="list")
def list_(
    device: DeviceName = None,
    /,
    *,
    limit: Annotated[
        int, Parameter(help="How many at most.", validator=Number(gte=1, lte=_MOST))
    ] = 50,
    json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Show commands and what became of them, newest first.

    Open: the board has not answered yet. Unknown: it may have done it, but could not tell. Expired:
    its time was over before the board took it.
    """
    with open_store(config) as store:
        if device is not None and store.device(device) is None:
            raise UnknownDevice(device)
        rows = [_row(command) for command in store.commands.list(device, limit)]
    if json:
        print_json(rows)
        return
    print_table(
        ["id", "device", "command", "value", "given", "state", "took", "result"],
        [_cells(row) for row in rows],
    )


def _awaited(store: Store, command: Command, wait_s: float) -> Command:
    """The command once it is settled, or as it is after that time."""
    deadline = time.monotonic() + wait_s
    while command.state == "open" and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY_S)
        command = store.commands.get(command.device, command.id) or command
    return command


def _told(command: Command) -> str:
    """What became of it, in a line."""
    what = f"{command.device}: {command.name}"
    if command.state == "open":
        until = f"until {local_time(command.expires_ms)}"
        if command.sent_ms is None:
            return f"{what} waits for the board's next report, {until}"
        return f"{what} was sent, and its board has not answered yet; it is good {until}"
    if command.state == "expired" and not command.result:
        return f"{what} expired: its board did not take it in time"
    reason = f": {command.result}" if command.result else ""
    return f"{what} {command.state} in {_took_ms(command)} ms{reason}"


def _took_ms(command: Command) -> int | None:
    if command.settled_ms is None:
        return None
    return max(0, command.settled_ms - command.created_ms)  # the clock may be set back


def _row(command: Command) -> dict[str, Any]:
    return {
        "id": command.id,
        "device": command.device,
        "name": command.name,
        "args": command.args,
        "created_ms": command.created_ms,
        "expires_ms": command.expires_ms,
        "sent_ms": command.sent_ms,
        "state": command.state,
        "result": command.result,
        "settled_ms": command.settled_ms,
        "took_ms": _took_ms(command),
    }


def _cells(row: dict[str, Any]) -> list[object]:
    """The command for a person."""
    took = row["took_ms"]
    return [
        row["id"],
        row["device"],
        row["name"],
        "" if row["args"] is None else json_text.dumps(row["args"], ensure_ascii=False),
        local_time(row["created_ms"]),
        row["state"],
        "" if took is None else f"{took} ms",
        row["result"],
    ]
