"""From the store to an app's handlers of events: after the commit, in order per device."""

import asyncio
from collections import deque

from host_agent.app.calling import Handler, HandlerBusy, HandlerFailed, HandlerHung
from host_agent.app.events import device_event
from host_agent.metrics import Metrics
from host_agent.store import Outgoing

MAX_WAITING = 1000
"""Events for a handler; more are not given to it."""
MAX_DEVICES = 16
"""Whose events a handler is called for at a time."""


class EventQueue:
    """What waits for one handler."""

    def __init__(
        self, handler: Handler, wanted: str, metrics: Metrics, max_waiting: int = MAX_WAITING
    ) -> None:
        """`wanted` is the type of event that it is for."""
        self._handler = handler
        self._counts = {
            result: metrics.app_events.labels(wanted, result)
            for result in ("done", "failed", "hung", "dropped")
        }
        self._max_waiting = max_waiting
        self._waiting = 0
        self._queues: dict[str, deque[Outgoing]] = {}
        self._places = asyncio.Semaphore(MAX_DEVICES)
        self._workers: set[asyncio.Task[None]] = set()

    def offer(self, event: Outgoing) -> None:
        """Never raises, never waits."""
        if self._waiting >= self._max_waiting:
            self._counts["dropped"].inc()
            self._handler.tell("is not called", f"{self._max_waiting} events wait for it already")
            return
        self._waiting += 1
        if queue := self._queues.get(event.device):
            queue.append(event)
            return
        self._queues[event.device] = deque([event])
        worker = asyncio.create_task(self._work(event.device))
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)

    async def drain(self, within_s: float) -> None:
        """Let calls go on so long; what still waits then is dropped."""
        if self._workers:
            _, late = await asyncio.wait(self._workers, timeout=within_s)
            for worker in late:
                worker.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._waiting:
            self._counts["dropped"].inc(self._waiting)
            self._handler.tell("ends", f"{self._waiting} events are not given to it")

    async def _work(self, device: str) -> None:
        queue = self._queues[device]
        while queue:
            async with self._places:
                self._counts[await self._result(queue[0])].inc()
            queue.popleft()
            self._waiting -= 1
        del self._queues[device]

    async def _result(self, event: Outgoing) -> str:
        try:
            await self._handler.call(device_event(event))
        except HandlerFailed:
            return "failed"
        except HandlerHung:
            return "hung"
        except HandlerBusy:
            return "dropped"
        return "done"
