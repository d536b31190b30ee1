"""What the agent knows of a board's config.json; the rest is for a person to fill in
(firmware/README.md tells every field)."""

import hashlib
from base64 import b64encode
from typing import Any

from host_agent.config import ConfigError
from host_agent.guardiankey import Account
from host_agent.store import Device

SERIAL = "serial"
"""In place of the agent's URL: the board reports over its USB cable, without any Wi-Fi."""

_MAX_ID = 64
"""Characters that a board takes (firmware, warden/config_access.py)."""
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
    """For a board that reports to the agent at this URL, or SERIAL. It holds the device's next key
    if there is one: the board's first frame makes it the key."""
    return {
        "device": device.name,
        "key": b64encode(device.next_key or device.key).decode(),
        "boot_floor": device.boot,
        "agent": agent,
        **({} if agent == SERIAL else {"wifi": {"ssid": "", "password": ""}}),
        "poll_s": 5,
        "inputs": [_EXAMPLE_INPUT],
    }


def door_config(device: Device, account: Account | None) -> dict[str, Any]:
    """What a door's board has besides: a keypad, a lock, and the account that judges attempts.

    Raises ConfigError for an account that no board takes.
    """
    if account is None:
        return {"access": _EXAMPLE_ACCESS}
    return {
        "guardiankey": {
            "route": "relay",
            "agent_id": _agent_id(account, device),
            "organization_id": _id(account, "organization_id"),
            "auth_group_id": _id(account, "auth_group_id"),
            "key": b64encode(account.key).decode(),
            "iv": b64encode(account.iv).decode(),
        },
        "access": _EXAMPLE_ACCESS,
    }


def _agent_id(account: Account, device: Device) -> str:
    """Of its own for every board: GuardianKey may tell repeated events by agent and number, and
    each board counts by itself."""
    whole = f"{account.agent_id}-{device.name}"
    if len(whole) <= _MAX_ID:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:16]
    return f"{whole[: _MAX_ID - len(digest) - 1]}-{digest}"


def _id(account: Account, field: str) -> str:
    found: str = getattr(account, field)
    if len(found) > _MAX_ID:
        raise ConfigError(
            f"[guardiankey] account: its {field} has {len(found)} characters, and a board takes"
            f" {_MAX_ID}; name another account"
        )
    return found
