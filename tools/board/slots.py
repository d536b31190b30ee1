"""Two slots on the board's flash, `a` and `b`, and the file `slot`, which names the one that runs.

What to do is decided from digests alone, without a board; slot_writer.py does it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tools.board.build import MAIN, PACKAGE
from tools.board.errors import BoardError

POINTER = "slot"
CONFIG = "config.json"
SLOTS = ("a", "b")
LOOKED_AT = (*SLOTS, MAIN, CONFIG, PACKAGE, POINTER + ".tmp", MAIN + ".tmp")
"""What flashing may find and what it may remove; all else on the board is the application's."""
OF_DEVICE = ("spool", "attempts", "access.json", "access.json.tmp")
"""Of that: unsent events and attempts, access list. They belong to a device, not to the board."""

_SPARE_BLOCKS = 4
"""For directories, and for main.py and the pointer, which are there twice for a moment."""


@dataclass(frozen=True)
class Held:
    """What lies on the board. `files` and `sizes` by path; `pointer` is "a", "b", or "" for none;
    `block` is a block's size in bytes."""

    pointer: str
    files: Mapping[str, str]
    sizes: Mapping[str, int]
    directories: frozenset[str]
    block: int
    free_blocks: int


@dataclass(frozen=True)
class Plan:
    """How the slot `target` gets what it must hold. Paths of `keep`, `copy` (from the other slot)
    and `upload` are those in a slot, the ones of `remove` (first) and `clear` (last) are whole."""

    target: str
    keep: tuple[str, ...]
    copy: tuple[str, ...]
    upload: tuple[str, ...]
    remove: tuple[str, ...]
    clear: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Nothing is left to do but to let it run."""
        return not (self.copy or self.upload or self.remove)


def digest(content: bytes) -> str:
    """As the board computes it: SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def plan(wanted: Mapping[str, bytes], held: Held) -> Plan:
    """The target is the slot that does not run, unless the one that does has it all already."""
    digests = {path: digest(content) for path, content in wanted.items()}
    running = held.pointer
    target = "b" if running == "a" else "a"
    if running and _in_slot(held, running) == digests and not _strange(wanted, held, running):
        target = running
    there, other = _in_slot(held, target), _in_slot(held, running)
    keep, copy, upload = [], [], []
    for path, wanted_digest in sorted(digests.items()):
        if there.get(path) == wanted_digest:
            keep.append(path)
        elif other.get(path) == wanted_digest:
            copy.append(path)
        else:
            upload.append(path)
    stale = [f"{target}/{path}" for path in sorted(there) if path not in keep]
    return Plan(
        target,
        tuple(keep),
        tuple(copy),
        tuple(upload),
        (*_strange(wanted, held, target), *stale),
        _left_over(held, target),
    )


def check_space(found: Plan, wanted: Mapping[str, bytes], held: Held) -> None:
    """Raises BoardError if the board's flash cannot hold what the plan writes."""
    needed = _SPARE_BLOCKS + sum(
        _blocks(len(wanted[path]), held.block) for path in found.copy + found.upload
    )
    gained = sum(_blocks(held.sizes.get(path, 0), held.block) for path in found.remove)
    if held.free_blocks + gained < needed:
        kib = held.block / 1024
        raise BoardError(
            f"the board's flash is too full: {needed * kib:.0f} KiB are needed and"
            f" {(held.free_blocks + gained) * kib:.0f} KiB free; nothing was changed. Let the board"
            " send what it has queued, remove files of your own (`python -m tools.board shell`), or"
            " erase all with `python -m tools.board install-micropython --erase`"
        )


def encoded(config: Mapping[str, Any]) -> bytes:
    """config.json's bytes."""
    return json.dumps(config, ensure_ascii=False, separators=(",", ":")).encode()


def is_still_good(old: bytes, config: Mapping[str, Any]) -> bool:
    """Whether the board's config.json differs from the wanted one at most in a lower boot_floor.

    It may keep that: its boot counter is above it, and the floor moves with every boot.
    """
    try:
        table = json.loads(old)
    except ValueError:
        return False
    if not isinstance(table, dict):
        return False
    floor = table.get("boot_floor", 0)
    if type(floor) is not int or not 0 <= floor <= config.get("boot_floor", 0):
        return False
    return _without_floor(table) == _without_floor(config)


def device_of(config: bytes) -> str:
    """The device whose config.json that is, "" if it does not tell."""
    try:
        name = json.loads(config)["device"]
    except (ValueError, LookupError, TypeError):
        return ""
    return name if isinstance(name, str) else ""


def _without_floor(config: Mapping[str, Any]) -> str:
    rest = {field: value for field, value in config.items() if field != "boot_floor"}
    return json.dumps(rest, sort_keys=True)


def _in_slot(held: Held, slot: str) -> dict[str, str]:
    prefix = slot + "/"
    return {
        path.removeprefix(prefix): found
        for path, found in held.files.items()
        if slot and path.startswith(prefix)
    }


def _strange(wanted: Mapping[str, bytes], held: Held, slot: str) -> list[str]:
    """Directories in a slot that hold nothing wanted, and a file in a slot's or directory's place.

    What lies in such a directory goes with it.
    """
    needed = {slot}
    for path in wanted:
        parts = f"{slot}/{path}".split("/")
        needed.update("/".join(parts[:end]) for end in range(1, len(parts)))
    directories = [
        path for path in held.directories if path.startswith(slot + "/") and path not in needed
    ]
    return sorted(directories + [path for path in held.files if path in needed])


def _left_over(held: Held, target: str) -> tuple[str, ...]:
    """What is worth nothing once the target runs: the secrets of the other slot, whose modules
    stay for the next time; an application from before there were slots; halves of files."""
    other = "b" if target == "a" else "a"
    outside = [path for path in _in_slot(held, other) if not path.startswith(PACKAGE + "/")]
    everything = [*held.files, *held.directories]
    return tuple(
        [f"{other}/{path}" for path in sorted(outside)]
        + [path for path in LOOKED_AT if path not in (*SLOTS, MAIN) and path in everything]
    )


def _blocks(size: int, block: int) -> int:
    return -(-size // block)
