"""The events that arrived, numbered from 1, for whoever asks for them."""

import asyncio
import itertools
import time
from collections import deque

import msgspec


class Received(msgspec.Struct, frozen=True):
    n: int
    received_ms: int
    body: msgspec.Raw


class Inbox:
    """Keeps the newest `limit` events; older ones are dropped and counted."""

    def __init__(self, limit: int = 200_000) -> None:
        self.last = 0
        self.dropped = 0
        self._events: deque[Received] = deque(maxlen=limit)
        self._arrived = asyncio.Event()

    def add(self, body: bytes) -> None:
        if len(self._events) == self._events.maxlen:
            self.dropped += 1
        self.last += 1
        self._events.append(Received(self.last, time.time_ns() // 1_000_000, msgspec.Raw(body)))
        self.wake()

    def after(self, n: int) -> list[Received]:
        """The kept events with a number above `n`, oldest first."""
        known = n - (self.last - len(self._events))
        return list(itertools.islice(self._events, max(0, known), None))

    async def arrival(self) -> None:
        """Returns when the next event has arrived, or on `wake`."""
        await self._arrived.wait()

    def wake(self) -> None:
        """Ends every wait for an arrival."""
        self._arrived.set()
        self._arrived = asyncio.Event()

    def clear(self) -> None:
        """Forgets the events; numbers go on from where they are."""
        self._events.clear()
        self.dropped = 0
