"""A board's config.json, to be filled in by hand (firmware/README.md tells every field)."""

from base64 import b64encode
from typing import Any

from host_agent.guardiankey import Account
from host_agent.store import Device

_EXAMPLE_INPUT = {
    "kind": "button",
    "name": "button",
    "pin": 14,
    "pull": "up",
    "active": "low",
    "type": "buttonState",
    "param": "pressed",
}
_EXAMPLE_ACCESS = {
    "keypad": {"rows": [32, 33, 25, 26], "columns": [27, 13, 4]},
    "lock": {"pin": 23, "active": "high", "open_ms": 3000},
    "no_verdict": "closed",
}
"""On pins that a stock ESP32 has free: none that straps its boot, none without a pull-up."""


def board_config(device: Device, agent: str) -> dict[str, Any]:
    """For a board that reports to the agent at this URL."""
    return {
        "device": device.name,
        "key": b64encode(device.key).decode(),
        "boot_floor": device.boot,
        "agent": agent,
        "wifi": {"ssid": "", "password": ""},
        "poll_s": 5,
        "inputs": [_EXAMPLE_INPUT],
    }


def door_config(account: Account | None) -> dict[str, Any]:
    """What a door's board has besides: a keypad, a lock, and the account that judges attempts."""
    if account is None:
        return {"access": _EXAMPLE_ACCESS}
    return {
        "guardiankey": {
            "route": "relay",
            "agent_id": account.agent_id,
            "organization_id": account.organization_id,
            "auth_group_id": account.auth_group_id,
            "key": b64encode(account.key).decode(),
            "iv": b64encode(account.iv).decode(),
        },
        "access": _EXAMPLE_ACCESS,
    }
