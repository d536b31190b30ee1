"""`thingwarden serial ...`"""

import os
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from cyclopts.validators import Number
from serial.tools import list_ports

from host_agent.cli.output import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigPath,
    UsageError,
    local_time,
    print_json,
    print_line,
    print_table,
)
from host_agent.clock import now_ms
from host_agent.config import Settings, load_settings
from host_agent.link.serial.ports import expected, is_there, is_url, named
from host_agent.serial_leases import grant, granted_until, is_lent, revoke

app = App(name="serial", help="See the agent's serial ports, and have one for another program.")

_MINUTE_MS = 60_000
_THERE = {True: "yes", False: "no", None: "?"}

Port = Annotated[
    str | None, Parameter(help="As `serial list` shows it; may be left out if there is one only.")
]


@app.command(name="list")
def list_(*, json: AsJson = False, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Show the ports that [serial] ports in agent.toml means now."""
    settings = load_settings(config)
    descriptions = {info.device: info.description for info in list_ports.comports()}
    rows = [_row(settings, port, descriptions) for port in expected(settings.serial.ports)]
    if json:
        print_json(rows)
        return
    print_table(
        ["port", "there", "lent", "description"],
        [(row["port"], _THERE[row["there"]], _lease(row), row["description"]) for row in rows],
    )


@app.command
def release(
    port: Port = None,
    /,
    *,
    minutes: Annotated[
        int, Parameter(help="When the agent takes it back.", validator=Number(gte=1, lte=1440))
    ] = 10,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Let another program have a port, such as mpremote; the agent keeps away from it meanwhile.

    Example: thingwarden serial release /dev/ttyUSB0 --minutes 30
    """
    settings = load_settings(config)
    chosen = _choose(settings, port)
    until_ms = now_ms() + minutes * _MINUTE_MS
    grant(Path(settings.store.path), chosen, until_ms)
    print_line(
        f"{chosen} is free until {local_time(until_ms)}; earlier again for the agent with:"
        f" thingwarden serial resume {chosen}"
    )


@app.command
def resume(port: Port = None, /, *, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Let the agent take a released port back at once."""
    settings = load_settings(config)
    chosen = _choose(settings, port)
    revoke(Path(settings.store.path), chosen)
    print_line(f"{chosen} is the agent's again")


def _choose(settings: Settings, port: str | None) -> str:
    ports = settings.serial.ports
    if port is not None:
        if chosen := named(port, ports):
            return chosen
        raise UsageError(
            f"{port} is none of the agent's: [serial] ports in agent.toml names others"
        )
    known = expected(ports)
    if len(known) == 1:
        return known[0]
    if not known:
        raise UsageError("the agent has no serial port: [serial] ports in agent.toml names them")
    raise UsageError(f"name one of the ports {', '.join(known)}")


def _row(settings: Settings, port: str, descriptions: dict[str, str]) -> dict[str, Any]:
    store = Path(settings.store.path)
    device = port if is_url(port) else os.path.realpath(port)
    return {
        "port": port,
        "there": None if is_url(port) else is_there(port),
        "lent": is_lent(store, port),
        "until_ms": granted_until(store, port),
        "description": descriptions.get(device, "serial server" if is_url(port) else ""),
    }


def _lease(row: dict[str, Any]) -> str:
    if row["until_ms"]:
        return f"until {local_time(row['until_ms'])}"
    return "to a program" if row["lent"] else "no"
