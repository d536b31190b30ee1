"""Commands to devices, as the agent's parts and people see them: `store.commands`."""

import json
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from host_agent.clock import now_ms
from host_agent.commands import TTL_S, Args, Command, CommandError, as_it_stands
from host_agent.store import commands as command_table
from host_agent.store import registry
from host_agent.store.records import Caller, ExternalEvent, ExternalParams
from host_agent.store.writer import Writer

T = TypeVar("T")
_Purge = Callable[[Callable[[sqlite3.Connection, int], int]], Awaitable[int]]


class _Read(Protocol):
    def __call__(self, query: Callable[[sqlite3.Connection], T], /) -> T: ...


class CommandQueue:
    """Part of a Store; methods raise StoreError as those of the store do."""

    def __init__(self, writer: Writer, read: _Read, purge: _Purge) -> None:
        self._writer = writer
        self._read = read
        self._purge = purge

    def add(self, device: str, name: str, args: Args = None, ttl_s: float = TTL_S) -> Command:
        """Have the device do this within `ttl_s` (1 s to a day), at most once. The board gets it in
        the reply to its next report. Raises UnknownDevice, and CommandError for what cannot be a
        command, or while MAX_OPEN wait already."""
        return self._writer.call(
            lambda group: registry.add_command(group, device, name, args, ttl_s)
        )

    async def give(
        self,
        device: str,
        name: str,
        args: Args = None,
        ttl_s: float = TTL_S,
        event: ExternalEvent | None = None,
    ) -> Command:
        """The same as `add`, on the event loop. With an event that tells who caused it both are
        recorded or neither; then raises StoreFull too."""
        if event is None:
            return await self._writer.run(
                lambda group: registry.add_command(group, device, name, args, ttl_s)
            )
        command, _ = await self._writer.run(
            lambda group: registry.request_command(group, device, name, args, ttl_s, event)
        )
        return command

    async def request(
        self,
        device: str,
        name: str,
        args: Args,
        ttl_s: float,
        caller: Caller,
        params: ExternalParams = (),
    ) -> tuple[Command, str]:
        """What a person or a program asks for: a command, and the EXT_EVT_ID of the USER event that
        is recorded with it, both or neither. The event has the command's name for its type, and the
        parameters `value` (true, false and numbers as JSON; none without args) and `params`.
        Raises UnknownDevice, CommandError and StoreFull."""
        value = () if args is None else (("value", _text(args)),)
        event = ExternalEvent(device, name, (*value, *params), now_ms(), caller)
        try:
            command, recorded = await self._writer.run(
                lambda group: registry.request_command(group, device, name, args, ttl_s, event)
            )
        except UnicodeError as error:
            raise CommandError(f"{name}: who asked for it is told in text that is none") from error
        return command, recorded.event_id

    def get(self, device: str, command_id: int) -> Command | None:
        """The command as it stands now."""
        found = self._read(lambda reader: command_table.find(reader, device, command_id))
        return None if found is None else as_it_stands(found, now_ms())

    def list(self, device: str | None = None, limit: int = 50) -> list[Command]:
        """Commands as they stand now, newest first."""
        found = self._read(lambda reader: command_table.stored(reader, device, limit))
        return [as_it_stands(command, now_ms()) for command in found]

    def open(self, device: str) -> tuple[Command, ...]:
        """The device's open commands as last committed, by ascending id; without any I/O."""
        return self._writer.snapshot.commands.get(device, ())

    async def purge(self, before_ms: int) -> int:
        """Delete commands given before that time, unless they can still be sent; how many."""
        return await self._purge(
            lambda connection, limit: command_table.purge(connection, before_ms, limit)
        )


def _text(args: Args) -> str:
    return args if isinstance(args, str) else json.dumps(args)
