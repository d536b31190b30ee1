"""What is known of a device beside its events: its record, its door, its health."""

from typing import NamedTuple

from host_agent.access import AccessState, Held, reached
from host_agent.console.pages.rendering import size
from host_agent.console.pages.telling import duration, in_short, value_text
from host_agent.store import Device

QUIET_MS = 5 * 60_000
"""A device that was not seen for so long is shown as quiet."""

_MAX_HEALTH = 32
_MAX_VALUE = 64
_HEALTH = {
    "version": "Firmware",
    "uptime_s": "Running for",
    "reset": "Last reset by",
    "queue": "Events waiting on the board",
    "heap": "Free memory",
    "rssi": "Wi-Fi signal",
    "loop_ms": "Longest round",
    "discards": "Events discarded",
    "gaps": "Events lost at resets",
    "missed": "Edges or readings missed",
    "failures": "Errors in its parts",
    "late": "Attempts to report late",
}
"""What the firmware reports, in the order of the page."""
_UNITS = {"rssi": " dBm", "loop_ms": " ms"}


class Fact(NamedTuple):
    """A line of the page; any text."""

    name: str
    value: str


def seen_lately(device: Device, at_ms: int) -> bool:
    """False for a device that was never seen."""
    seen_ms = device.last_seen_ms
    return seen_ms is not None and at_ms - seen_ms <= QUIET_MS


def health_facts(device: Device) -> list[Fact]:
    """What the board said of itself last: what is known by name first, nonsense as it came."""
    health = device.health
    known = [name for name in _HEALTH if name in health]
    others = sorted(name for name in health if name not in _HEALTH)
    return [
        Fact(_HEALTH.get(name, in_short(name, _MAX_VALUE)), _health_text(name, health[name]))
        for name in [*known, *others][:_MAX_HEALTH]
    ]


def door_facts(state: AccessState, held: Held | None) -> list[Fact]:
    """Who may open the door, and whether its board knows."""
    users = len({credential.user for credential in state.credentials})
    taken = held is not None and reached(state, held) == state.rev
    return [
        Fact("Codes and badges", str(len(state.credentials))),
        Fact("People who have one", str(users)),
        Fact("Lockdown", "yes: opens for nobody" if state.lockdown else "no"),
        Fact("On the board", "as it is here" if taken else "not yet as it is here"),
    ]


def _health_text(name: str, value: object) -> str:
    if type(value) is int and value >= 0:
        if name == "uptime_s":
            return duration(value * 1000) if value else "0 s"
        if name == "heap":
            return size(value)
    unit = _UNITS.get(name, "") if type(value) is int else ""
    return in_short(value_text(value), _MAX_VALUE) + unit
