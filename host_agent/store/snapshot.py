"""What the writer holds in memory of the store, so that a report needs no query."""

import sqlite3
from collections.abc import Mapping

from host_agent.access import AccessState
from host_agent.commands import Command
from host_agent.store import access, commands, devices, events
from host_agent.store.records import Device


class Snapshot:
    """Devices, access lists and open commands as last committed, and what counts against the
    limits. Changed only by the writer's thread; read by any."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.devices: dict[str, Device] = {}
        """By name, removed ones included."""
        self.access: dict[str, AccessState] = {}
        """By device; never changed, only replaced."""
        self.commands: dict[str, tuple[Command, ...]] = {}
        """Open ones by device, with ascending ids; never changed, only replaced."""
        self.waiting = events.Waiting(0, 0)
        self.last_id = 0
        self._data_version = -1
        self.refresh(connection)

    def refresh(self, connection: sqlite3.Connection) -> set[str] | None:
        """Read anew what another process has changed since the last look: the devices that
        something waits for now which did not before; None if nothing changed."""
        data_version = connection.execute("PRAGMA data_version").fetchone()[0]
        if data_version == self._data_version:
            return None
        before = self.access, self.commands
        self.devices = devices.load(connection)
        self.access = access.load(connection, self.access)
        self.commands = commands.load_open(connection)
        self.waiting = events.waiting(connection)
        self.last_id = events.last_id(connection)
        self._data_version = data_version
        return self._due(*before)

    def adopt(
        self,
        devices_changed: Mapping[str, Device],
        access_changed: Mapping[str, AccessState | None],
        commands_changed: Mapping[str, tuple[Command, ...]],
        waiting: events.Waiting,
        last_id: int,
    ) -> set[str]:
        """Take over what was committed; as `refresh` the devices that something waits for."""
        self.devices.update(devices_changed)
        self.waiting = waiting
        self.last_id = last_id
        if not access_changed and not commands_changed:
            return set()
        before = self.access, self.commands
        if access_changed:
            states = {**self.access, **access_changed}.items()
            self.access = {name: state for name, state in states if state is not None}
        if commands_changed:
            queues = {**self.commands, **commands_changed}.items()
            self.commands = {name: queue for name, queue in queues if queue}
        return self._due(*before)

    def _due(
        self,
        access_before: Mapping[str, AccessState],
        commands_before: Mapping[str, tuple[Command, ...]],
    ) -> set[str]:
        changed = {name for name, state in self.access.items() if access_before.get(name) != state}
        return changed | {
            name
            for name, queue in self.commands.items()
            if queue[-1].id
            > max((command.id for command in commands_before.get(name, ())), default=0)
        }
