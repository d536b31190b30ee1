"""What survives a lost store: a copy of its devices and their access lists; and where a damaged
file goes."""

import glob
import logging
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec

from host_agent.access import AccessState, renewed
from host_agent.store.errors import StoreError
from host_agent.store.names import DEVICE_NAME
from host_agent.store.records import Device

_log = logging.getLogger(__name__)

_COPY_SUFFIX = ".devices.json"
_FRAME_MAX = 2**31 - 1
_Number = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
_Counter = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]

Rescued: TypeAlias = tuple[Device, AccessState | None]
"""A device for a new store, and its access list if it has one."""


class _Kept(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A device in the copy; keys in base64, `key` empty for a removed device."""

    name: Annotated[str, msgspec.Meta(pattern=rf"^{DEVICE_NAME.pattern}$")]
    type: Annotated[str, msgspec.Meta(min_length=1)]
    group: str
    key: bytes
    boot: _Counter
    frame: _Counter
    acked: tuple[_Counter, _Counter]
    created_ms: int
    access: AccessState | None = None
    next_key: bytes | None = None
    commanded: _Number | None = None

    def __post_init__(self) -> None:
        if len(self.key) not in (0, 32) or len(self.next_key or self.key) not in (0, 32):
            raise ValueError(f"a key of {self.name} has not 32 bytes")


def encode(devices: Iterable[Device], access: Mapping[str, AccessState]) -> bytes:
    """Devices, removed ones too, as JSON text that holds their keys and access lists."""
    kept = [
        _Kept(
            name=device.name,
            type=device.type,
            group=device.group,
            key=device.key,
            boot=device.boot,
            frame=device.frame,
            acked=device.acked,
            created_ms=device.created_ms,
            access=access.get(device.name),
            next_key=device.next_key,
            commanded=device.commanded,
        )
        for device in sorted(devices, key=lambda device: device.name)
    ]
    return msgspec.json.format(msgspec.json.encode(kept))


def decode(content: bytes) -> list[Rescued]:
    """The devices for a new store. Raises ValueError.

    The copy may be behind the lost store, so every frame of the boots it knows counts as used: a
    board goes on at its next boot, and nobody can replay. Access lists are renewed: no board takes
    an earlier one for what it has already.
    """
    return [
        (_restored(kept), None if kept.access is None else renewed(kept.access))
        for kept in msgspec.json.decode(content, type=list[_Kept])
    ]


class DeviceCopy:
    """`<store>.devices.json`: devices, keys, counters, dedupe marks and access lists, replaced
    atomically."""

    def __init__(self, store: Path) -> None:
        self.path = store.with_name(store.name + _COPY_SUFFIX)
        self._store = store
        self._failing = False

    def write(self, devices: Iterable[Device], access: Mapping[str, AccessState]) -> bool:
        """Replace the copy. A failure is False, the first in a row logged: the store itself has
        the truth."""
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        try:
            self._write_durably(draft, encode(devices, access))
            draft.replace(self.path)
            _sync_directory(self.path.parent)
        except OSError as error:
            if not self._failing:
                _log.warning("cannot write %s, the copy for a rescue: %s", self.path, error)
            self._failing = True
            with suppress(OSError):
                draft.unlink()
            return False
        self._failing = False
        return True

    def read(self) -> list[Rescued]:
        """The devices for a new store; [] without a copy. Raises StoreError."""
        try:
            return decode(self.path.read_bytes())
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{self.path}, the copy of the devices, cannot be read ({error});"
                " mend it, or move it away to start without devices"
            ) from error

    def remove_drafts(self) -> None:
        """What a process left that was killed while it wrote; only for one alone with the store."""
        for draft in self.path.parent.glob(f"{glob.escape(self.path.name)}.*.tmp"):
            with suppress(OSError):
                draft.unlink()

    def _write_durably(self, path: Path, content: bytes) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            self._give_to_owner(file.fileno())

    def _give_to_owner(self, descriptor: int) -> None:
        """A copy that root writes must stay readable to the agent's own user."""
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            owner = self._owner()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)

    def _owner(self) -> os.stat_result:
        """Of the store, even if its file was deleted."""
        for path in (self._store, self.path):
            with suppress(FileNotFoundError):
                return path.stat()
        return self.path.parent.stat()


def set_aside(store: Path) -> Path:
    """Move a damaged store, with its -wal and -shm, out of the way; the name it has now."""
    aside = store.with_name(f"{store.name}.damaged-{int(time.time())}")
    for suffix in ("-wal", "-shm", ""):
        with suppress(FileNotFoundError):
            Path(f"{store}{suffix}").rename(f"{aside}{suffix}")
    return aside


def _restored(kept: _Kept) -> Device:
    return Device(
        name=kept.name,
        type=kept.type,
        group=kept.group,
        key=kept.key,
        boot=kept.boot,
        frame=_FRAME_MAX,
        acked=kept.acked,
        last_seen_ms=None,
        health={},
        stale_frames=0,
        created_ms=kept.created_ms,
        next_key=kept.next_key,
        commanded=kept.commanded,
    )


def _sync_directory(path: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
