"""`thingwarden device ...`"""

import json
import re
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from host_agent.board_config import SERIAL, board_config, door_config
from host_agent.cli.output import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigPath,
    UsageError,
    check_out,
    local_time,
    print_json,
    print_line,
    print_table,
    write_new,
)
from host_agent.cli.store import open_store
from host_agent.config import load_settings
from host_agent.link.losses import losses
from host_agent.securithings import url_problem
from host_agent.store import Device, UnknownDevice

app = App(name="device", help="Add, list and remove devices; works while the agent runs.")

Name = Annotated[str, Parameter(help="The device's name.")]

_AGENT_HELP = "The agent as the board sees it: http://HOST:8710, or serial for a USB cable."
_AGENT = re.compile(r"http://[^:/]+(:\d{1,5})?(/.*)?")


@app.command
def add(
    name: Name,
    /,
    *,
    type: Annotated[str, Parameter(help="DEVICE_TYPE at SecuriThings.")],  # noqa: A002
    group: Annotated[str, Parameter(help="SOURCE_GROUP_ID at SecuriThings.")] = "",
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Add a device and make its key.

    Example: thingwarden device add front-door --type Lock --group building-7
    """
    with open_store(config) as store:
        store.add_device(name, type, group)
    print_line(
        f"added {name}; next: make flash PORT=... DEVICE={name}, or for its config.json alone:"
        f" thingwarden device config {name} --help"
    )


@app.command(name="list")
def list_(*, json: AsJson = False, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Show the devices: when last seen, what they have queued and lost, frames refused as stale,
    and whether a next key waits for its board."""
    with open_store(config) as store:
        rows = [_row(device) for device in store.devices()]
    if json:
        print_json(rows)
        return
    print_table(
        ["name", "type", "group", "last seen", "boot", "queue", "lost", "stale", "key"],
        [list((row | _cells(row)).values()) for row in rows],
    )
    waiting = [row["name"] for row in rows if row["rotating"]]
    if waiting:
        print_line(f"a next key waits for its board's first frame: {', '.join(waiting)}")


@app.command
def remove(name: Name, /, *, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Remove a device: its key is worth nothing from now on. Its events stay."""
    with open_store(config) as store:
        store.remove_device(name)
    print_line(f"removed {name}")


@app.command
def rotate(name: Name, /, *, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Give a device a next key, in place of an earlier next one.

    Both keys are good until the board's first frame under the next key; from then on the old one is
    worth nothing. Counters and queued events go on.

    Example: thingwarden device rotate front-door
    """
    with open_store(config) as store:
        store.rotate_device(name)
    print_line(f"{name} has a next key; its key of now stays good until the board uses the next")
    print_line(
        f"put it on the board: make flash PORT=... DEVICE={name}, or thingwarden device config"
    )


@app.command(name="config")
def config_(
    name: Name,
    /,
    *,
    agent: Annotated[str, Parameter(help=_AGENT_HELP)],
    out: Annotated[Path, Parameter(help="The file to write; it holds the key.")],
    door: Annotated[bool, Parameter(negative="", help="With a keypad and a lock.")] = False,
    force: Annotated[bool, Parameter(negative="", help="Replace the file.")] = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Write a board's config.json. Fill in the Wi-Fi and the inputs, then flash it.

    A device that was rotated gets its next key.

    Example: thingwarden device config front-door --agent http://192.168.1.10:8710 --out config.json
    """
    _check_agent(agent)
    check_out(out, replace=force)
    account = load_settings(config).guardiankey.load_account() if door else None
    with open_store(config) as store:
        device = store.device(name)
    if device is None:
        raise UnknownDevice(name)
    content = board_config(device, agent) | (door_config(device, account) if door else {})
    write_new(out, json.dumps(content, indent=2) + "\n", replace=force)
    blanks = "inputs" if agent == SERIAL else "wifi and inputs"
    print_line(f"wrote {out}: fill in {blanks}{', check the pins of access' * door}")
    if door and account is None:
        print_line(
            "no account is set ([guardiankey] account in agent.toml): nobody judges attempts, and"
            " the door opens to good codes only with no_verdict = open"
        )


def _row(device: Device) -> dict[str, Any]:
    queue = device.health.get("queue")
    return {
        "name": device.name,
        "type": device.type,
        "group": device.group,
        "last_seen_ms": device.last_seen_ms,
        "boot": device.boot,
        "queue": queue if type(queue) is int else None,
        "lost": sum(losses(device.health).values()),
        "stale": device.stale_frames,
        "rotating": device.next_key is not None,
    }


def _cells(row: dict[str, Any]) -> dict[str, str]:
    """What a person reads in another way."""
    return {
        "last_seen_ms": local_time(row["last_seen_ms"]),
        "rotating": "rotating" if row["rotating"] else "",
    }


def _check_agent(url: str) -> None:
    """As a board checks it (firmware, warden/config.py): plain HTTP, for the frames are sealed."""
    visible = all("!" <= character <= "~" and character not in "?#@" for character in url)
    if url == SERIAL:
        return
    usable = visible and len(url) <= 256 and _AGENT.fullmatch(url)
    if not usable or url_problem(url, schemes=["http"]):
        raise UsageError(f"--agent {url}: must be like http://192.168.1.10:8710, or {SERIAL}")
