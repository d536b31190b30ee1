"""One transaction shared by many operations: each decides first, then all is written at once."""

import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from host_agent.access import MAX_CHANGE_BYTES, AccessState, change_for
from host_agent.clock import now_ms
from host_agent.commands import MAX_SENT_BYTES, Command, after_report, sendable
from host_agent.store import acceptance, access, commands, devices, events
from host_agent.store.errors import StoreFull
from host_agent.store.events import Waiting
from host_agent.store.records import (
    Accepted,
    BadEvent,
    Dead,
    Delivered,
    Device,
    ExternalEvent,
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
        self.commands_changed: dict[str, tuple[Command, ...]] = {}
        self.outgoing: list[Outgoing] = []
        self.last_id = before.last_id
        self.waiting = before.waiting
        self.registry_changed = False
        """A device was added or removed, or a key or access list changed."""
        self.dead_retried = False
        self.externals = 0
        """How many external events there are among `outgoing`."""
        self._before = before
        self._limits = limits
        self._path = path
        self._device_rows: dict[str, Row] = {}
        self._access_rows: dict[str, Row] = {}
        self._command_rows: dict[tuple[str, int], Row] = {}
        self._event_rows: list[Row] = []
        self._external_rows: list[Row] = []
        self._retries: dict[int, Retry] = {}
        self._ends: dict[int, Delivered | Dead] = {}

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

    def commands(self, device: str) -> tuple[Command, ...]:
        """The device's open commands as the operations before left them, by ascending id."""
        if device in self.commands_changed:
            return self.commands_changed[device]
        return self._before.commands.get(device, ())

    def last_command(self, device: str) -> int:
        """The highest id ever given to a command of the device, as far as the store knows."""
        given = [number for name, number in self._command_rows if name == device]
        return max([commands.last_id(self.connection, device), *given])

    def put_command(self, command: Command) -> None:
        """Write a command as it is now."""
        others = [one for one in self.commands(command.device) if one.id != command.id]
        still_open = [command] if command.state == "open" else []
        ordered = sorted([*others, *still_open], key=lambda one: one.id)
        self._command_rows[command.device, command.id] = commands.row(command)
        self.commands_changed[command.device] = tuple(ordered)

    def accept(self, device: Device, report: Report) -> Accepted:
        """Record a report that is not stale; raises StoreFull if its events do not fit."""
        decision = acceptance.accept(device, report)
        stored_ms = now_ms() if decision.events else 0
        rows = [
            events.new_row(row_id, device.name, event, report.received_ms, stored_ms)
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
        if self.commands(device.name):
            return self._take_up_commands(device, report, decision.answer)
        return decision.answer

    def _take_up_commands(self, device: Device, report: Report, answer: Accepted) -> Accepted:
        """Record what the report tells of open commands, and which go into its reply."""
        now = report.received_ms
        before = self.commands(device.name)
        after = after_report(before, report.commanded, device.commanded, report.results, now)
        settled = [command for command in after if command.state != "open"]
        still_open = [command for command in after if command.state == "open"]
        sent = sendable(still_open, now, self._room_for_commands(device, report))
        leaving = [replace(command, sent_ms=now) for command in sent if command.sent_ms is None]
        for command in (*settled, *leaving):
            self.put_command(command)
        return replace(answer, commands=tuple(sent), settled=tuple(settled))

    def _room_for_commands(self, device: Device, report: Report) -> int:
        """In bytes: none for a board that takes none or waits for a verdict. Who may enter goes
        before what to switch: a lockdown never waits for commands."""
        if report.commanded is None or report.attempt is not None:
            return 0
        state = self.access(device.name)
        if state is None or report.access is None:
            return MAX_SENT_BYTES
        change = change_for(state, report.access)
        return MAX_SENT_BYTES if change is None else MAX_CHANGE_BYTES - len(change)

    def add_external(self, device: Device, seq: int, event: ExternalEvent) -> Outgoing:
        """Record an external event; raises StoreFull if it does not fit."""
        row_id = self.last_id + 1
        row = events.external_row(row_id, seq, event, now_ms())
        waiting = Waiting(self.waiting.events + 1, self.waiting.bytes + events.size_of(row))
        self._refuse_beyond_limits(waiting)
        added = events.outgoing_external(row_id, device, seq, event)
        self._external_rows.append(row)
        self.externals += 1
        self.outgoing.append(added)
        self.last_id = row_id
        self.waiting = waiting
        return added

    def settle(self, outcomes: Iterable[Delivered | Retry | Dead]) -> None:
        """Write what became of pending events; the end of one comes after its retries."""
        for outcome in outcomes:
            if isinstance(outcome, Retry):
                self._retries[outcome.id] = outcome
            else:
                self._ends[outcome.id] = outcome

    def write(self) -> None:
        """All of it, into the open transaction."""
        if self._event_rows:
            events.add(self.connection, self._event_rows)
        if self._external_rows:
            events.add_external(self.connection, self._external_rows)
        if self._device_rows:
            devices.save(self.connection, self._device_rows.values())
        for row in self._access_rows.values():
            access.save(self.connection, *row)
        if self._command_rows:
            commands.save(self.connection, self._command_rows.values())
            for device in self.commands_changed:
                commands.trim(self.connection, device)
        for outcomes in (self._retries.values(), self._ends.values()):
            if outcomes:
                events.settle(self.connection, outcomes, now_ms())
        self.waiting = events.waiting(self.connection)

    def _refuse_beyond_limits(self, waiting: Waiting) -> None:
        if waiting.events > self._limits.max_events or waiting.bytes > self._limits.max_bytes:
            raise StoreFull(
                f"the store {self._path} is full: {self.waiting.events} events of"
                f" {self.waiting.bytes} bytes wait or lie dead (limits {self._limits.max_events}"
                f" and {self._limits.max_bytes}); restore delivery or raise [store] limits"
            )
