"""What devices and events are called."""

import re
from typing import TypeAlias

DEVICE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

NO_BOOT = -1
"""The boot of a bad event without a usable id; its seq is a hash of its content, so that a board
which repeats it does not fill the store."""
EXTERNAL = -2
"""The boot of an external event; its seq is random."""

EventId: TypeAlias = tuple[int, int]
"""(boot, seq), ascending per device, given by the board at capture."""

_BOARDS = r"(?P<boot>[0-9]{1,18}):(?P<seq>[0-9]{1,18})"
_EXTERNALS = r"x:(?P<random>[0-7][0-9a-f]{15})"
_EVENT_ID = re.compile(rf"(?P<device>{DEVICE_NAME.pattern}):(?:{_BOARDS}|{_EXTERNALS})")


def event_id(device: str, boot: int, seq: int) -> str:
    """The event's EXT_EVT_ID: `<device>:<boot>:<seq>`, `<device>:x:<16 hex>` of an external one."""
    return f"{device}:x:{seq:016x}" if boot == EXTERNAL else f"{device}:{boot}:{seq}"


def split_event_id(text: str) -> tuple[str, int, int] | None:
    """(device, boot, seq) of an EXT_EVT_ID; None if the text cannot be one."""
    if not (found := _EVENT_ID.fullmatch(text)):
        return None
    if found["random"]:
        return found["device"], EXTERNAL, int(found["random"], 16)
    return found["device"], int(found["boot"]), int(found["seq"])
