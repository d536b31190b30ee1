"""Tells the pages that are open that something changed, by server-sent events."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

from host_agent.console.flow import Flow
from host_agent.errors import ThingWardenError
from host_agent.metrics import Metrics

MAX_SUBSCRIBERS = 64
MAX_OF_A_USER = 32
"""So that no one user keeps all others out."""
PAUSE_S = 0.5
"""Between two messages to a subscriber."""
HEARTBEAT_S = 15.0
"""A comment after so long a silence, so that nobody on the way takes the connection for dead."""

_SAMPLE_S = 1.0

_BEGINNING = b"retry: 2000\n: \n\n"
"""How many ms a browser waits before it connects anew."""
_CHANGED = b"event: changed\ndata: 1\n\n"
_HEARTBEAT = b": \n\n"


class TooManySubscribers(ThingWardenError):
    """MAX_SUBSCRIBERS pages are open already, or MAX_OF_A_USER of this one."""


class Live:
    """Belongs to the event loop, except `changed`; and `flow`, which it samples."""

    def __init__(self, metrics: Metrics, heartbeat_s: float = HEARTBEAT_S) -> None:
        self.flow = Flow(metrics)
        self._heartbeat_s = heartbeat_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waking = False
        self._news = asyncio.Event()
        self._subscribers: dict[asyncio.Event, str] = {}
        """What wakes each, and whose it is."""
        self._stopped = False

    def changed(self) -> None:
        """Something in the store changed; from any thread, cheap."""
        loop = self._loop
        if loop is None or self._waking:
            return
        self._waking = True
        try:
            loop.call_soon_threadsafe(self._wake)
        except RuntimeError:  # it has ended, and every page with it
            self._loop = None

    async def run(self) -> None:
        """Until it is cancelled."""
        self._loop = asyncio.get_running_loop()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._tell())
                tasks.create_task(self._sample())
        finally:
            self._loop = None

    def stop(self) -> None:
        """Ends every subscription, so that the listener can end."""
        self._stopped = True
        self._notify()

    @contextmanager
    def subscribed(self, user: str, wanted: Callable[[], bool]) -> Iterator[AsyncIterator[bytes]]:
        """Server-sent events until `stop`, or until one is due that is not `wanted()` any more.
        Raises TooManySubscribers."""
        taken = list(self._subscribers.values())
        if len(taken) >= MAX_SUBSCRIBERS or taken.count(user) >= MAX_OF_A_USER:
            raise TooManySubscribers("too many pages are kept up to date already")
        due = asyncio.Event()
        self._subscribers[due] = user
        try:
            yield self._messages(due, wanted)
        finally:
            del self._subscribers[due]

    def _wake(self) -> None:
        self._waking = False
        self._news.set()

    def _notify(self) -> None:
        for due in self._subscribers:
            due.set()

    async def _tell(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            self._notify()
            await asyncio.sleep(PAUSE_S)

    async def _messages(
        self, due: asyncio.Event, wanted: Callable[[], bool]
    ) -> AsyncIterator[bytes]:
        message = _BEGINNING
        while not self._stopped and wanted():
            yield message
            try:
                async with asyncio.timeout(self._heartbeat_s):
                    await due.wait()
            except TimeoutError:
                message = _HEARTBEAT
            else:
                due.clear()
                message = _CHANGED

    async def _sample(self) -> None:
        while True:
            self.flow.sample()
            await asyncio.sleep(_SAMPLE_S)
