"""Getting a sound file: made, checked, or set aside and made again."""

import logging
import sqlite3
from pathlib import Path

from host_agent.store import access, devices
from host_agent.store.errors import StoreDamaged, StoreError
from host_agent.store.rescue import DeviceCopy, set_aside
from host_agent.store.schema import VERSION, connect, explain, missing, upgrade, version

_log = logging.getLogger(__name__)


def locate(path: Path) -> Path:
    """Where the store is, links followed, so that there is one name for it and for the files
    beside it. Raises StoreError if it cannot be there."""
    try:
        found = path.resolve()
    except (OSError, RuntimeError) as error:
        raise StoreError(f"the path of the store cannot be followed: {error}") from error
    if found.is_dir():
        raise StoreError(f"{found} is a directory; [store] path must name a file, new or a store")
    if not found.parent.is_dir():
        raise StoreError(f"there is no directory {found.parent} for the store; create it")
    return found


def open_alone(path: Path, copy: DeviceCopy) -> sqlite3.Connection:
    """A connection to a sound store; only for a process that is alone with the file.

    Raises StoreError.
    """
    copy.remove_drafts()
    try:
        return _made_sound(path, copy)
    except StoreDamaged as error:
        aside = set_aside(path)
        _log.error("%s; it is set aside as %s", error, aside)
    connection = _made_sound(path, copy)
    if not devices.load(connection):
        _log.error("there is no copy %s to restore devices from; add them again", copy.path)
    return connection


def open_shared(path: Path) -> sqlite3.Connection:
    """A connection to a store that another process has checked and uses now. Raises StoreError."""
    try:
        connection = connect(path)
        if version(connection) != VERSION:
            connection.close()
            raise StoreError(f"the store {path} is in use by another version of ThingWarden")
    except sqlite3.Error as error:
        raise explain(error, path) from error
    return connection


def _made_sound(path: Path, copy: DeviceCopy) -> sqlite3.Connection:
    try:
        connection = connect(path)
    except sqlite3.Error as error:
        raise explain(error, path) from error
    try:
        _check(connection, path)
        found = version(connection)
        if found == 0:
            _fill(connection, path, copy)
        elif found < VERSION:
            _upgrade(connection, path, found)
        if lost := access.damaged(connection):
            _mend_access(connection, lost, copy)
    except sqlite3.Error as error:
        connection.close()
        raise explain(error, path) from error
    except StoreError:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection, path: Path) -> None:
    found = version(connection)
    if found > VERSION:
        raise StoreError(
            f"the store {path} was made by a newer ThingWarden (version {found}); update this one"
        )
    result = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if result != "ok":
        raise StoreDamaged(f"the store {path} is damaged ({result})")
    if found == 0 and connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        raise StoreError(f"{path} is a database of something else; choose another [store] path")
    if found and (lost := missing(connection)):
        raise StoreDamaged(f"the store {path} is damaged ({', '.join(lost)} missing)")


def _upgrade(connection: sqlite3.Connection, path: Path, found: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    upgrade(connection)
    connection.execute("COMMIT")
    _log.info("the store %s of version %d is of version %d now", path, found, VERSION)


def _mend_access(connection: sqlite3.Connection, lost: list[str], copy: DeviceCopy) -> None:
    """Take these devices' access lists from the copy, as far as it has them."""
    try:
        kept = {
            device.name: state for device, state in copy.read() if state and device.name in lost
        }
    except StoreError as error:
        _log.error("%s", error)
        return
    for name, state in kept.items():
        access.save(connection, *access.row(name, state))
        _log.error("the damaged access list of %s comes back from %s; check it", name, copy.path)


def _fill(connection: sqlite3.Connection, path: Path, copy: DeviceCopy) -> None:
    restored = copy.read()
    connection.execute("BEGIN IMMEDIATE")
    upgrade(connection)
    if restored:
        devices.save(connection, [devices.row(device) for device, _ in restored])
    for device, state in restored:
        access.save(connection, *access.row(device.name, state))
    connection.execute("COMMIT")
    if restored:
        _log.error(
            "the store %s was lost; %d devices come back from %s, its undelivered events do not",
            path,
            len(restored),
            copy.path,
        )
