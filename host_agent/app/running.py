"""An app in the agent's process."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence

from starlette.applications import Starlette

from host_agent.app.agent import ANY, Agent
from host_agent.app.calling import HANDLER_S, Handler
from host_agent.app.handling import EventQueue
from host_agent.app.listening import requests_app
from host_agent.metrics import Metrics
from host_agent.store import Outgoing, Store


class AppRun:
    """An app's handlers, at work from `start` to `stop`."""

    def __init__(
        self, agent: Agent, store: Store, metrics: Metrics, handler_s: float = HANDLER_S
    ) -> None:
        self._agent = agent
        self._store = store
        self._metrics = metrics
        self._handler_s = handler_s
        self._queues: dict[str, list[EventQueue]] = defaultdict(list)

    def requests_app(self, host: str, trusted_proxies: Sequence[str]) -> Starlette | None:
        """The application that answers requests to `host`; None if the app takes none."""
        function = self._agent.request_handler
        if function is None:
            return None
        handler = Handler(function, f"the handler of requests {_name(function)}", self._handler_s)
        return requests_app(handler, self._metrics, host, trusted_proxies)

    def start(self) -> None:
        """On the agent's loop, before events come in."""
        self._agent.attach(self._store, asyncio.get_running_loop())
        for wanted, function in self._agent.event_handlers:
            what = f"the handler of {wanted} {_name(function)}"
            handler = Handler(function, what, self._handler_s)
            self._queues[wanted].append(EventQueue(handler, wanted, self._metrics))
        if self._queues:
            self._store.on_accepted.append(self._offer)

    async def stop(self, drain_s: float) -> None:
        """Give handlers so long for what waits for them."""
        if self._queues:
            self._store.on_accepted.remove(self._offer)
        queues = [queue for queues in self._queues.values() for queue in queues]
        await asyncio.gather(*(queue.drain(drain_s) for queue in queues))
        self._agent.detach()

    def _offer(self, events: Iterable[Outgoing]) -> None:
        """External ones are the app's own."""
        for event in events:
            if event.caller is None:
                for wanted in (event.type, ANY):
                    for queue in self._queues.get(wanted, ()):
                        queue.offer(event)


def _name(function: object) -> str:
    """For messages, with the place that it is at."""
    name = getattr(function, "__qualname__", type(function).__name__)
    code = getattr(function, "__code__", None)
    return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code else name
