"""The Agent of an app: its handlers, and what they can do."""

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, overload

from host_agent.app.errors import AppError
from host_agent.app.events import ExternalEvent
from host_agent.app.started import Started
from host_agent.commands import TTL_S, Args, Command
from host_agent.store import ExternalEvent as StoredExternalEvent
from host_agent.store import Store

ANY = "*"
"""The type of every event."""

H = TypeVar("H", bound=Callable[..., object])


@dataclass(frozen=True)
class _Running:
    store: Store
    loop: asyncio.AbstractEventLoop


class Agent:
    """An app has one: `agent = Agent()`. Handlers are registered at the top of its file; what they
    ask for (`send`, `send_event`) works while `thingwarden run --app` runs it.

    A handler may be a coroutine function, or a plain one that is called in a thread of its own.
    """

    def __init__(self) -> None:
        self.event_handlers: list[tuple[str, Callable[..., object]]] = []
        """(type or ANY, handler), as they were registered."""
        self.request_handler: Callable[..., object] | None = None
        self._running: _Running | None = None

    # Handlers

    @overload
    def on(self, event_type: str) -> Callable[[H], H]: ...
    @overload
    def on(self, event_type: str, handler: H) -> H: ...
    def on(self, event_type: str, handler: H | None = None) -> H | Callable[[H], H]:
        """Call `handler(event)`, a DeviceEvent, with what boards report of that type, "*" for any:
        once it is durable, in order per device. A decorator if there is no handler. Whatever the
        handler does, the event goes to SecuriThings.
        """
        if not isinstance(event_type, str) or not event_type:
            raise AppError('agent.on() wants the type of an event, such as "buttonState"')

        def register(handler: H) -> H:
            self._check(handler)
            self.event_handlers.append((event_type, handler))
            return handler

        return register if handler is None else register(handler)

    @overload
    def on_request(self) -> Callable[[H], H]: ...
    @overload
    def on_request(self, handler: H) -> H: ...
    def on_request(self, handler: H | None = None) -> H | Callable[[H], H]:
        """Answer HTTP requests to `[app] listen` with what `handler(request)` returns: a Response,
        text, a dict or list (as JSON), or None (204). A decorator too; there is one such handler.
        """

        def register(handler: H) -> H:
            self._check(handler)
            if self.request_handler is not None:
                raise AppError("agent.on_request() is for one handler, and there is one already")
            self.request_handler = handler
            return handler

        return register if handler is None else register(handler)

    def _check(self, handler: object) -> None:
        if not callable(handler):
            raise AppError(f"a handler must be a function, not a {type(handler).__name__}")
        if inspect.isgeneratorfunction(handler) or inspect.isasyncgenfunction(handler):
            raise AppError("a handler must not yield: nothing of it would run")
        if self._running is not None:
            raise AppError("handlers are registered at the top of the file, before the agent runs")

    # What handlers do

    def send(
        self,
        device: str,
        name: str,
        value: Args = None,
        ttl_s: float = TTL_S,
        event: ExternalEvent | None = None,
    ) -> Started[Command]:
        """Have a device do something within `ttl_s`, at most once; the command, once it is durable.
        With the event that tells who asked for it, both are recorded or neither: what was refused
        is not told as done. Raises, when awaited, UnknownDevice and CommandError as
        `store.commands.add`, and StoreFull with an event."""
        running = self._must_run("send")
        caused = None if event is None else _to_store(event, "send")
        work = running.store.commands.give(device, name, value, ttl_s, caused)
        return Started(f"the command {name} to {device}", work, running.loop)

    def create_external_event(self, event_type: str, request: object, device: str) -> ExternalEvent:
        """An event of now that somebody caused from outside: SOURCE_IP and USER_AGENT come from the
        headers of `request`, None for none."""
        self._must_run("create_external_event")
        return ExternalEvent(event_type, request, device)

    def send_event(self, event: ExternalEvent) -> Started[str]:
        """Hand over an event as it is now; its EXT_EVT_ID, once it is durable. It then goes to
        SecuriThings as events of boards do; sent again, it is another one. Raises, when awaited,
        UnknownDevice and StoreFull."""
        running = self._must_run("send_event")
        work = running.store.add_external(_to_store(event, "send_event"))
        return Started(repr(event), work, running.loop)

    def _must_run(self, method: str) -> _Running:
        if self._running is None:
            raise AppError(
                f"agent.{method}() works only while the agent runs: call it in a handler"
            )
        return self._running

    # For the process that runs it

    def attach(self, store: Store, loop: asyncio.AbstractEventLoop) -> None:
        """What handlers ask for is done with this store from now on, on this loop."""
        self._running = _Running(store, loop)

    def detach(self) -> None:
        """The agent ends."""
        self._running = None


def _to_store(event: object, method: str) -> StoredExternalEvent:
    if not isinstance(event, ExternalEvent):
        raise AppError(f"agent.{method}() wants what agent.create_external_event() made")
    return event.to_store()
