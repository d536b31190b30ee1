"""What must not be lost: devices, their keys and counters, commands to them, and events until they
are delivered."""

import sqlite3
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

from host_agent import access as access_rules
from host_agent.access import AccessState
from host_agent.store import attempts as attempt_table
from host_agent.store import devices as device_table
from host_agent.store import events as event_table
from host_agent.store import notifications as notification_table
from host_agent.store import registry
from host_agent.store.command_queue import CommandQueue
from host_agent.store.errors import StoreDamaged, StoreError
from host_agent.store.group import Group
from host_agent.store.opening import locate, open_alone, open_shared
from host_agent.store.people import People
from host_agent.store.reader import Reader
from host_agent.store.records import (
    Accepted,
    AttemptVerdict,
    Dead,
    Delivered,
    Device,
    ExternalEvent,
    Forgotten,
    Limits,
    Outgoing,
    Report,
    Retry,
    Settled,
    Stale,
    StoredNotification,
)
from host_agent.store.rescue import DeviceCopy, decode, encode
from host_agent.store.schema import explain
from host_agent.store.usage import Usage
from host_agent.store.writer import Writer

if TYPE_CHECKING:  # the agent alone has metrics, and prometheus_client takes long to import
    from host_agent.metrics import Metrics

_CHUNK = 1000


class Store(Reader):
    """The agent's database. Every write is durable when its call returns or resolves.

    Methods raise StoreError. The async ones belong to one event loop; the others may be used from
    any thread, and by other processes at the same time.
    """

    def __init__(self, path: Path, usage: Usage, writer: Writer) -> None:
        super().__init__(path, writer)
        self._usage = usage
        self.commands = CommandQueue(writer, self._show, self._purge)
        self.people = People(writer, self._read, self._purge)

    @classmethod
    def open(
        cls, path: Path, limits: Limits | None = None, metrics: "Metrics | None" = None
    ) -> "Store":
        """Open or make the store. A damaged one is set aside, and its devices restored."""
        path = locate(path)
        copy = DeviceCopy(path)
        with ExitStack() as undo:
            try:
                usage = Usage(path)
                undo.callback(usage.release)
                connection = open_alone(path, copy) if usage.alone else open_shared(path)
                undo.callback(connection.close)
                if usage.alone:
                    usage.share()
                writer = Writer(path, connection, copy, limits or Limits(), metrics)
                undo.callback(writer.close)
                store = cls(path, usage, writer)
            except sqlite3.Error as error:
                raise explain(error, path) from error
            except OSError as error:
                raise StoreError(f"the store {path} cannot be opened: {error}") from error
            undo.pop_all()
            return store

    def close(self) -> None:
        """Finish what was submitted, and close the file."""
        self._writer.close()
        self._close()
        self._usage.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def damage(self) -> StoreDamaged | None:
        """Why nothing can be recorded any more until the agent starts anew."""
        return self._writer.damage

    @property
    def on_accepted(self) -> list[Callable[[list[Outgoing]], None]]:
        """Called on the event loop, after the commit, with the events that are now pending."""
        return self._writer.listeners.on_accepted

    @property
    def on_retried(self) -> list[Callable[[], None]]:
        """Called in the writer's thread when dead letters may be pending again."""
        return self._writer.listeners.on_retried

    @property
    def on_due(self) -> list[Callable[[str], None]]:
        """Called in the writer's thread with the name of a device that something waits for anew:
        its access list changed or a command came, here or in another process. Must not raise."""
        return self._writer.listeners.on_due

    @property
    def on_changed(self) -> list[Callable[[], None]]:
        """Called in the writer's thread after every commit, here or in another process. Must be
        quick, and not raise."""
        return self._writer.listeners.on_changed

    # Devices

    def add_device(self, name: str, type: str, group: str = "") -> Device:  # noqa: A002
        """A device with a new random key. Counters of a removed device of that name go on."""
        return self._writer.call(lambda here: registry.add_device(here, name, type, group))

    def rotate_device(self, name: str) -> Device:
        """The device with a new `next_key`, in place of one that it had; both keys are good until
        the first frame under the next one is accepted, which makes it the key."""
        return self._writer.call(lambda here: registry.rotate_device(here, name))

    def remove_device(self, name: str) -> None:
        """Forget a device, its key and its access list; its events stay, and its counters for a
        later return."""
        self._writer.call(lambda group: registry.remove_device(group, name))

    def device(self, name: str) -> Device | None:
        """The device as last committed; what another process changed is seen within 0.1 s."""
        return device_table.present(self._writer.snapshot.devices.get(name))

    def devices(self) -> list[Device]:
        """Every device, by name."""
        everything = list(self._writer.snapshot.devices.values())
        return sorted(filter(device_table.present, everything), key=lambda device: device.name)

    def backup(self) -> bytes:
        """Every device with its key, counters and access list, as `restore` takes them. A
        secret."""
        return encode(self._writer.snapshot.devices.values(), self._writer.snapshot.access)

    def restore(self, content: bytes) -> int:
        """Take devices back from a backup; how many are new or back here.

        A device that is here stays as it is, with its access list. For the others counters never
        go back, frames of the boots in the backup count as used, and boards take their access list
        anew. Raises StoreError, and changes nothing, if it is no backup or a device here has
        another key.
        """
        try:
            copies = decode(content)
        except ValueError as error:
            raise StoreError(f"this is no backup of devices: {error}") from error
        return self._writer.call(lambda group: registry.restore(group, copies))

    # Access lists

    def access(self, device: str) -> AccessState | None:
        """The device's access list as last committed, if it ever had one; what another process
        changed is seen within 0.1 s."""
        return self._writer.snapshot.access.get(device)

    def add_credential(
        self, device: str, user: str, kind: str, email: str, secret: str
    ) -> AccessState:
        """Let a user in by a code or badge, in place of an earlier one of that kind; the list as
        it is now. Raises AccessError, which never shows the secret."""

        def change(state: AccessState) -> AccessState:
            return access_rules.with_credential(state, user, kind, email, secret)

        return self._change_access(device, change)

    def remove_credential(self, device: str, user: str, kind: str | None = None) -> AccessState:
        """Let a user in no more by that kind, or by none; the list as it is now. Raises
        AccessError if there is nothing to remove."""
        return self._change_access(
            device, lambda state: access_rules.without_credential(state, user, kind)
        )

    def set_lockdown(self, device: str, lockdown: bool) -> AccessState:
        """Let the door open for nobody, or as its list says again; the list as it is now."""
        return self._change_access(
            device, lambda state: access_rules.with_lockdown(state, lockdown)
        )

    def _change_access(
        self, device: str, change: Callable[[AccessState], AccessState]
    ) -> AccessState:
        return self._writer.call(lambda group: registry.change_access(group, device, change))

    # The link

    async def accept(self, report: Report) -> Accepted | Stale | Forgotten:
        """Record what a frame carried, all or nothing. Raises StoreFull when it has no room."""
        return await self._writer.run(lambda group: registry.accept(group, report))

    async def add_external(self, event: ExternalEvent) -> str:
        """Record an event that somebody caused from outside; its EXT_EVT_ID. Raises UnknownDevice,
        and StoreFull when there is no room."""
        added = await self._writer.run(lambda group: registry.add_external(group, event))
        return added.event_id

    async def record_verdict(self, device: str, verdict: AttemptVerdict) -> None:
        """Keep what became of an attempt, in place of what became of the same message before."""
        await self._writer.run(lambda group: attempt_table.save(group.connection, device, verdict))

    async def record_notification(
        self, notification: StoredNotification, lockdown: Collection[str] = ()
    ) -> list[str] | None:
        """Keep what GuardianKey told, and let these doors, or EVERY_DOOR, open for nobody; both or
        nothing. The doors that are there; None, and no lockdown, if its event is kept already."""
        return await self._writer.run(
            lambda group: registry.record_notification(group, notification, lockdown)
        )

    # Delivery

    async def settle(self, outcomes: Sequence[Delivered | Retry | Dead]) -> None:
        """Record what became of pending events."""
        await self._writer.run(lambda group: group.settle(outcomes))

    async def purge(self, state: Settled, before_ms: int) -> int:
        """Delete events that were delivered, or died, before that time; how many."""
        return await self._purge(
            lambda connection, limit: event_table.purge(connection, state, before_ms, limit)
        )

    async def purge_guardiankey(self, before_ms: int) -> int:
        """Delete attempts and notifications that came before that time; how many."""
        attempts = await self._purge(
            lambda connection, limit: attempt_table.purge(connection, before_ms, limit)
        )
        notifications = await self._purge(
            lambda connection, limit: notification_table.purge(connection, before_ms, limit)
        )
        return attempts + notifications

    async def _purge(self, chunk: Callable[[sqlite3.Connection, int], int]) -> int:
        """Delete in chunks, so that reports get their turn in between."""
        total = 0
        while True:
            count = await self._writer.run(lambda group: chunk(group.connection, _CHUNK))
            total += count
            if count < _CHUNK:
                return total

    # People

    def retry_dead(self, ids: Sequence[int] | None = None, device: str | None = None) -> int:
        """Let dead letters be delivered again: those of `ids`, or all; of one device, or any.

        How many. Unreadable ones stay dead. In chunks, so that reports get their turn in between.
        """
        total = last_id = 0

        def operation(group: Group) -> list[int]:
            retried = event_table.retry_dead(group.connection, ids, device, last_id, _CHUNK)
            group.dead_retried |= bool(retried)
            return retried

        while True:
            retried = self._writer.call(operation)
            total += len(retried)
            if len(retried) < _CHUNK:
                return total
            last_id = max(retried)
