"""What survives a broken store: a copy of the devices beside it, and the broken file itself."""

import logging
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from host_agent.store.errors import StoreError
from host_agent.store.records import Device

_log = logging.getLogger(__name__)

_COPY_SUFFIX = ".devices.json"
_FRAME_MAX = 2**31 - 1


class _Kept(msgspec.Struct, kw_only=True):
    """A device in the copy; `key` in base64, empty for a removed device."""

    name: str
    type: str
    group: str
    key: bytes
    boot: int
    frame: int
    acked: tuple[int, int]
    created_ms: int


class DeviceCopy:
    """`<store>.devices.json`: devices, keys, counters and dedupe marks, replaced atomically."""

    def __init__(self, store: Path) -> None:
        self.path = store.with_name(store.name + _COPY_SUFFIX)
        self._store = store

    def write(self, devices: Iterable[Device]) -> None:
        """Replace the copy. A failure is logged: the store itself has the truth."""
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
            )
            for device in sorted(devices, key=lambda device: device.name)
        ]
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        try:
            self._write_durably(draft, msgspec.json.format(msgspec.json.encode(kept)))
            draft.replace(self.path)
            _sync_directory(self.path.parent)
        except OSError as error:
            _log.warning("cannot write %s, the copy for a rescue: %s", self.path, error)
            with suppress(OSError):
                draft.unlink()

    def read(self) -> list[Device]:
        """The devices for a new store; [] without a copy.

        The copy may be behind the lost store, so every frame of the boots it knows counts as used:
        a board goes on at its next boot, and nobody can replay. Raises StoreError.
        """
        try:
            kept = msgspec.json.decode(self.path.read_bytes(), type=list[_Kept])
        except FileNotFoundError:
            return []
        except (OSError, msgspec.MsgspecError) as error:
            raise StoreError(
                f"{self.path}, the copy of the devices, cannot be read ({error});"
                " mend it, or move it away to start without devices"
            ) from error
        return [_restored(device) for device in kept]

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
            owner = self._store.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)


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
    )


def _sync_directory(path: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
