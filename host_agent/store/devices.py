"""Devices in their table: all of them are held in memory, removed ones too."""

import logging
import secrets
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import msgspec

from host_agent.access import Held
from host_agent.store.records import Device
from host_agent.store.schema import Row, execute_values

_log = logging.getLogger(__name__)

REMOVED = b""
"""The key of a removed device, whose counters stay."""

_COLUMNS = (
    'name, type, "group", key, boot, frame, acked_boot, acked_seq,'
    " last_seen_ms, health, stale_frames, created_ms, held_list, held_rev,"
    " next_key, commanded"
)
_LOAD = f"SELECT {_COLUMNS} FROM devices"  # noqa: S608  a constant
_SAVE = f"""
INSERT INTO devices ({_COLUMNS}) {{values}}
ON CONFLICT (name) DO UPDATE SET
    type = excluded.type, "group" = excluded."group", key = excluded.key,
    boot = excluded.boot, frame = excluded.frame,
    acked_boot = excluded.acked_boot, acked_seq = excluded.acked_seq,
    last_seen_ms = excluded.last_seen_ms, health = excluded.health,
    stale_frames = excluded.stale_frames, created_ms = excluded.created_ms,
    held_list = excluded.held_list, held_rev = excluded.held_rev,
    next_key = excluded.next_key, commanded = excluded.commanded
"""


def added(earlier: Device | None, name: str, type_: str, group: str, now_ms: int) -> Device:
    """A device with a new random key; the counters of a removed one of that name go on."""
    fresh = Device(
        name=name,
        type=type_,
        group=group,
        key=secrets.token_bytes(32),
        boot=0,
        frame=0,
        acked=(0, 0),
        last_seen_ms=None,
        health={},
        stale_frames=0,
        created_ms=now_ms,
    )
    if earlier is None:
        return fresh
    return replace(fresh, boot=earlier.boot, frame=earlier.frame, acked=earlier.acked)


def restored(earlier: Device | None, device: Device) -> Device:
    """A device from a copy that is new here or was removed; no counter goes back."""
    if earlier is None:
        return device
    boot, frame = max((earlier.boot, earlier.frame), (device.boot, device.frame))
    return replace(device, boot=boot, frame=frame, acked=max(earlier.acked, device.acked))


def rotated(device: Device) -> Device:
    """With a new random key that waits for its first frame, in place of one that waits already."""
    return replace(device, next_key=secrets.token_bytes(32))


def promoted(device: Device, key: bytes) -> Device:
    """After a frame under `key`: if that was the next key, it is the only one now."""
    return replace(device, key=key, next_key=None) if key == device.next_key else device


def present(device: Device | None) -> Device | None:
    """The device, unless it was removed."""
    return None if device is None or device.key == REMOVED else device


def removed(device: Device) -> Device:
    """What stays of a device: its counters, and the type and group its last events go out with."""
    return replace(device, key=REMOVED, health={}, held=None, next_key=None, commanded=None)


def load(connection: sqlite3.Connection) -> dict[str, Device]:
    """Every device by name, removed ones included."""
    rows = connection.execute(_LOAD)
    return {row[0]: _device(row) for row in rows}


def row(device: Device) -> Row:
    """The device as `save` takes it. Raises UnicodeError for text that is not valid Unicode."""
    return (
        device.name,
        device.type,
        device.group,
        device.key,
        device.boot,
        device.frame,
        *device.acked,
        device.last_seen_ms,
        msgspec.json.encode(device.health).decode(),
        device.stale_frames,
        device.created_ms,
        *(device.held or (None, None)),
        device.next_key,
        device.commanded,
    )


def save(connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
    """Write devices, one row each."""
    execute_values(connection, _SAVE, list(rows))


def _device(columns: Row) -> Device:
    name, type_, group, key, boot, frame, acked_boot, acked_seq, seen, health, *rest = columns
    stale, made, held_list, held_rev, next_key, commanded = rest
    return Device(
        name=name,
        type=type_,
        group=group,
        key=key,
        boot=boot,
        frame=frame,
        acked=(acked_boot, acked_seq),
        last_seen_ms=seen,
        health=_health(health, name),
        stale_frames=stale,
        created_ms=made,
        held=None if held_list is None else Held(held_list, held_rev),
        next_key=next_key,
        commanded=commanded,
    )


def _health(text: str, device: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError) as error:
        _log.warning("the health of %s in the store cannot be read: %s", device, error)
        return {}
