"""`thingwarden access ...`"""

import secrets
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from host_agent.access import AccessState, digest_of, reached
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
from host_agent.cli.secret import read_secret
from host_agent.cli.store import open_store
from host_agent.store import Device, Store, UnknownDevice

app = App(
    name="access",
    help="Who may open which door, by keypad code or badge; works while the agent runs.",
)

Door = Annotated[str, Parameter(help="The door's device name.")]
Doors = Annotated[str, Parameter(help="The doors' device names.")]
User = Annotated[str, Parameter(help="The user's name, as GuardianKey knows it.")]

_GENERATED_DIGITS = 6


@app.command
def add(
    device: Door,
    user: User,
    /,
    *,
    badge: Annotated[bool, Parameter(negative="", help="A badge instead of a code.")] = False,
    email: Annotated[str, Parameter(help="Where GuardianKey may write to the user.")] = "",
    generate: Annotated[bool, Parameter(negative="", help="Make a code and show it.")] = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Let a user in by a code of 4 to 12 digits, or by a badge like 12:34567 (facility:card).

    The code or badge is asked for, or read as one line of standard input.

    Example: thingwarden access add front-door anna --email anna@example.com --generate
    """
    if badge and generate:
        raise UsageError("--generate makes codes; a badge has its number already")
    with open_store(config) as store:
        _check_known(store, device)
        if generate:
            print_line(f"the code of {user}: {_generate(store, device, user, email)}")
        else:
            kind = "badge" if badge else "code"
            store.add_credential(device, user, kind, email, read_secret(kind, new=True))
    print_line(f"added {user} to {device}; the board takes it at its next poll")


@app.command
def remove(
    device: Door,
    user: User,
    /,
    *,
    badge: Annotated[bool, Parameter(negative="", help="The user's badge only.")] = False,
    code: Annotated[bool, Parameter(negative="", help="The user's code only.")] = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Let a user in no longer: code and badge are worth nothing once the board has taken it.

    Example: thingwarden access remove front-door anna
    """
    if badge and code:
        raise UsageError("--badge and --code: without either, both are removed")
    with open_store(config) as store:
        store.remove_credential(device, user, "badge" if badge else "code" if code else None)
    print_line(f"removed {user} from {device}; the board takes it at its next poll")


@app.command(name="list")
def list_(
    device: Annotated[str | None, Parameter(help="Only this door.")] = None,
    /,
    *,
    json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Show who may open which door, which doors are in lockdown, and what their boards have taken.

    On the board: yes; not yet, until its next poll; or never, if it has not told of any list.
    """
    with open_store(config) as store:
        if device is not None:
            _check_known(store, device)
        doors = [
            _door(known, state)
            for known in store.devices()
            if device in (None, known.name) and (state := store.access(known.name))
        ]
    if json:
        print_json(doors)
        return
    print_table(
        ["device", "user", "kind", "e-mail", "added", "on the board"],
        [(door["device"], *_cells(entry)) for door in doors for entry in door["credentials"]],
    )
    for door in doors:
        name, on_board = door["device"], door["on_board"]
        if door["lockdown"]:
            print_line(f"{name} is in lockdown: nobody gets in; on the board: {on_board}")
        elif on_board == "not yet":
            print_line(f"{name} opens by its earlier list until its board polls")


@app.command
def lockdown(*devices: Doors, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Let nobody in, whatever code, badge or verdict, until `thingwarden access release`.

    Example: thingwarden access lockdown front-door back-door
    """
    _set_lockdown(devices, config, lockdown=True)


@app.command
def release(*devices: Doors, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """End a lockdown.

    Example: thingwarden access release front-door
    """
    _set_lockdown(devices, config, lockdown=False)


def _check_known(store: Store, *devices: str) -> None:
    for device in devices:
        if store.device(device) is None:
            raise UnknownDevice(device)


def _generate(store: Store, device: str, user: str, email: str) -> str:
    """A code at random that nobody has at this door, for this user."""
    state = store.access(device)
    while True:
        code = f"{secrets.randbelow(10**_GENERATED_DIGITS):0{_GENERATED_DIGITS}}"
        if state is None or not _is_in_use(code, state):
            store.add_credential(device, user, "code", email, code)
            return code


def _is_in_use(code: str, state: AccessState) -> bool:
    digest = digest_of("code", code, state.salt, state.iterations)
    return any(digest == entry.digest for entry in state.credentials)


def _door(device: Device, state: AccessState) -> dict[str, Any]:
    """`on_board` of the door is that of its whole list, with what was removed and the lockdown."""

    def on_board(rev: int) -> str:
        if device.held is None:
            return "never"
        return "yes" if reached(state, device.held) >= rev else "not yet"

    return {
        "device": device.name,
        "lockdown": state.lockdown,
        "on_board": on_board(state.rev),
        "credentials": [
            {
                "user": entry.user,
                "kind": entry.kind,
                "email": entry.email,
                "added_ms": entry.added_ms,
                "on_board": on_board(entry.rev),
            }
            for entry in state.credentials
        ],
    }


def _cells(entry: dict[str, Any]) -> list[object]:
    """The credential for a person."""
    added = entry["added_ms"]
    return list((entry | {"added_ms": "" if added is None else local_time(added)}).values())


def _set_lockdown(devices: tuple[str, ...], config: Path, *, lockdown: bool) -> None:
    if not devices:
        raise UsageError("name the doors; `thingwarden access list` shows them")
    with open_store(config) as store:
        _check_known(store, *devices)
        for device in devices:
            store.set_lockdown(device, lockdown)
    for device in devices:
        print_line(f"{device} is {'in lockdown' if lockdown else 'released'}, once its board polls")
