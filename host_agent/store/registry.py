"""What an operation does to devices, their access lists, commands and notifications in its Group.

All or nothing: a function that raises has changed nothing."""

import secrets
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from host_agent import access as access_rules
from host_agent.access import EVERY_DOOR, AccessState
from host_agent.clock import now_ms
from host_agent.commands import (
    MAX_OPEN,
    Args,
    Command,
    TooManyCommands,
    as_it_stands,
    ended_with_device,
    new_command,
)
from host_agent.store import devices, notifications
from host_agent.store.acceptance import is_stale
from host_agent.store.errors import DeviceExists, StoreError, UnknownDevice
from host_agent.store.group import Group
from host_agent.store.names import DEVICE_NAME
from host_agent.store.records import (
    Accepted,
    Device,
    ExternalEvent,
    Forgotten,
    Outgoing,
    Report,
    Stale,
    StoredNotification,
)


def add_device(group: Group, name: str, type_: str, its_group: str) -> Device:
    """Raises DeviceExists, and StoreError for what cannot name or describe a device."""
    if not DEVICE_NAME.fullmatch(name):
        raise StoreError(
            f"{name!r} cannot be a device name; use up to 64 letters, digits, '.', '_' and '-',"
            " starting with a letter or digit"
        )
    if not type_ or not _is_unicode(type_ + its_group):
        raise StoreError(f"the device {name} needs a type, and text for its type and group")
    earlier = group.device(name)
    if devices.present(earlier):
        raise DeviceExists(f"there is a device {name} already; remove it first")
    device = devices.added(earlier, name, type_, its_group, now_ms())
    group.put_device(device)
    group.registry_changed = True
    return device


def remove_device(group: Group, name: str) -> None:
    """Its counters stay. Raises UnknownDevice."""
    group.put_device(devices.removed(_known(group, name)))
    group.put_access(name, None)
    for command in group.commands(name):
        group.put_command(ended_with_device(command, now_ms()))
    group.registry_changed = True


def rotate_device(group: Group, name: str) -> Device:
    """The device with a next key. Raises UnknownDevice."""
    device = devices.rotated(_known(group, name))
    group.put_device(device)
    group.registry_changed = True
    return device


def restore(group: Group, copies: Iterable[tuple[Device, AccessState | None]]) -> int:
    """Take devices from a backup; how many are new or back. Raises DeviceExists."""
    restored = []
    for copy, state in copies:
        earlier = group.device(copy.name)
        if earlier is None or earlier.key == devices.REMOVED:
            restored.append((devices.restored(earlier, copy), state))
        elif copy.key != devices.REMOVED and not {*copy.keys} & {*earlier.keys}:
            raise DeviceExists(f"the device {copy.name} has another key here; remove it first")
    for device, state in restored:
        group.put_device(device)
        group.put_access(device.name, state)
    group.registry_changed = True
    return sum(device.key != devices.REMOVED for device, _ in restored)


def change_access(
    group: Group, device: str, change: Callable[[AccessState], AccessState]
) -> AccessState:
    """The device's access list once it is changed. Raises UnknownDevice, and what `change` does."""
    _known(group, device)
    state = change(group.access(device) or access_rules.new_state())
    if state.rev:  # else nobody asked for a list: its board keeps what it has
        group.put_access(device, state)
    return state


def add_command(group: Group, device: str, name: str, args: Args, ttl_s: float) -> Command:
    """A new command, under an id that its board has never seen, also from a store that was lost.
    Raises UnknownDevice and CommandError."""
    *ended, added = _with_command(group, device, name, args, ttl_s)
    for command in (*ended, added):
        group.put_command(command)
    return added


def request_command(
    group: Group, device: str, name: str, args: Args, ttl_s: float, event: ExternalEvent
) -> tuple[Command, Outgoing]:
    """The same with the event that tells who caused it; raises StoreFull and UnicodeError too."""
    changed = _with_command(group, device, name, args, ttl_s)
    recorded = add_external(group, event)
    for command in changed:
        group.put_command(command)
    return changed[-1], recorded


def _with_command(group: Group, device: str, name: str, args: Args, ttl_s: float) -> list[Command]:
    """The commands to write for a new one, which is the last of them."""
    known, now = _known(group, device), now_ms()
    newest = max(now // 1000 - 1, group.last_command(device), known.commanded or 0)
    added = new_command(device, newest + 1, name, args, ttl_s, now)
    waiting = [as_it_stands(command, now) for command in group.commands(device)]
    if sum(command.state == "open" for command in waiting) >= MAX_OPEN:
        raise TooManyCommands(device)
    return [*(command for command in waiting if command.state != "open"), added]


def accept(group: Group, report: Report) -> Accepted | Stale | Forgotten:
    """Record what a frame carried; the first one under a device's next key makes it the key.
    Raises StoreFull."""
    device = devices.present(group.device(report.device))
    if device is None or report.key not in device.keys:
        return Forgotten()
    if is_stale(device, report):
        group.put_device(replace(device, stale_frames=device.stale_frames + 1))
        return Stale(device.boot)
    promoted = devices.promoted(device, report.key)
    answer = group.accept(promoted, report)
    group.registry_changed |= promoted is not device
    return answer


def add_external(group: Group, event: ExternalEvent) -> Outgoing:
    """Record an event from outside under a new id. Raises UnknownDevice and StoreFull."""
    return group.add_external(_known(group, event.device), secrets.randbits(63), event)


def record_notification(
    group: Group, notification: StoredNotification, lockdown: Collection[str]
) -> list[str] | None:
    """Keep it and lock doors down; those that are there, None if its event is kept already."""
    if not notifications.add(group.connection, notification):
        return None
    names = group.doors() if EVERY_DOOR in lockdown else lockdown
    present = [name for name in names if devices.present(group.device(name))]
    for name in present:
        state = group.access(name) or access_rules.new_state()
        group.put_access(name, access_rules.with_lockdown(state, True))
    return present


def _is_unicode(text: str) -> bool:
    """Whether the text can be stored: no lone surrogates."""
    return text == text.encode("utf-8", "ignore").decode()


def _known(group: Group, name: str) -> Device:
    device = devices.present(group.device(name))
    if device is None:
        raise UnknownDevice(name)
    return device
