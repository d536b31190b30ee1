"""One transaction shared by many operations: each decides first, then all is written at once."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from host_agent.access import AccessState
from host_agent.clock import now_ms
from host_agent.store import acceptance, access, devices, events
from host_agent.store.errors import StoreFull
from host_agent.store.events import Waiting
from host_agent.store.records import (
    Accepted,
    BadEvent,
    Dead,
    Delivered,
    Device,
    Limits,
    Outgoing,
    Report,
    Retry,
)
from host_agent.store.schema import Row
from host_agent.store.snapshot import Snapshot


class Group:
    """What the operations of one transaction have decided so far.

    A method either records its whole intention or raises and records nothing, so an operation that
    fails leaves the others alone.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        before: Snapshot,
        limits: Limits,
        path: Path,
    ) -> None:
        self.connection = connection
        self.devices_changed: dict[str, Device] = {}
        self.access_changed: dict[str, AccessState | None] = {}
        self.outgoing: list[Outgoing] = []
        self.last_id = before.last_id
        self.waiting = before.waiting
        self.registry_changed = False
        """A device was added or removed, or a key or access list changed."""
        self.dead_retried = False
        self._before = before
        self._limits = limits
        self._path = path
        self._device_rows: dict[str, Row] = {}
        self._access_rows: dict[str, Row] = {}
        self._event_rows: list[Row] = []
        self._outcomes: dict[int, Delivered | Retry | Dead] = {}

    def device(self, name: str) -> Device | None:
        """The device as the operations before left it; a removed one has the key REMOVED."""
        return self.devices_changed.get(name) or self._before.devices.get(name)

    def put_device(self, device: Device) -> None:
        """Write the device as it is now."""
        self._device_rows[device.name] = devices.row(device)
        self.devices_changed[device.name] = device

    def access(self, name: str) -> AccessState | None:
        """The device's access list as the operations before left it."""
        if name in self.access_changed:
            return self.access_changed[name]
        return self._before.access.get(name)

    def doors(self) -> list[str]:
        """The devices that have an access list, by name."""
        states = self._before.access | self.access_changed
        return sorted(name for name, state in states.items() if state is not None)

    def put_access(self, name: str, state: AccessState | None) -> None:
        """Write the device's access list as it is now; None drops it."""
        if self.access(name) != state:
            self._access_rows[name] = access.row(name, state)
            self.access_changed[name] = state
            self.registry_changed = True

    def accept(self, device: Device, report: Report) -> Accepted:
        """Record a report that is not stale; raises StoreFull if its events do not fit."""
        decision = acceptance.accept(device, report)
        rows = [
            events.new_row(row_id, device.name, event, report.received_ms)
            for row_id, event in enumerate(decision.events, self.last_id + 1)
        ]
        waiting = Waiting(
            self.waiting.events + len(rows),
            self.waiting.bytes + sum(map(events.size_of, rows)),
        )
        if rows:
            self._refuse_beyond_limits(waiting)
        self.put_device(decision.device)
        self._event_rows += rows
        self.outgoing += [
            events.outgoing(row_id, device, event)
            for row_id, event in enumerate(decision.events, self.last_id + 1)
            if not isinstance(event, BadEvent)
        ]
        self.last_id += len(rows)
        self.waiting = waiting
        return decision.answer

    def settle(self, outcomes: Iterable[Delivered | Retry | Dead]) -> None:
        """Write what became of pending events; of two outcomes of an event the last counts."""
        self._outcomes.update((outcome.id, outcome) for outcome in outcomes)

    def write(self) -> None:
        """All of it, into the open transaction."""
        if self._event_rows:
            events.add(self.connection, self._event_rows)
        if self._device_rows:
            devices.save(self.connection, self._device_rows.values())
        for row in self._access_rows.values():
            access.save(self.connection, *row)
        if self._outcomes:
            events.settle(self.connection, self._outcomes.values(), now_ms())
        self.waiting = events.waiting(self.connection)

    def _refuse_beyond_limits(self, waiting: Waiting) -> None:
        if waiting.events > self._limits.max_events or waiting.bytes > self._limits.max_bytes:
            raise StoreFull(
                f"the store {self._path} is full: {self.waiting.events} events of"
                f" {self.waiting.bytes} bytes wait or lie dead (limits {self._limits.max_events}"
                f" and {self._limits.max_bytes}); restore delivery or raise [store] limits"
            )
