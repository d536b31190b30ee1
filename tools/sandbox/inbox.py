"""What arrived, numbered from 1, for whoever asks for it."""

import asyncio
import itertools
import time
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

Body = TypeVar("Body")


@dataclass(frozen=True)
class Received(Generic[Body]):
    n: int
    received_ms: int
    body: Body


class Inbox(Generic[Body]):
    """Keeps the newest `limit` items, or fewer that came in `limit_bytes`; older ones are dropped
    and counted."""

    def __init__(self, limit: int = 200_000, limit_bytes: int = 128 << 20) -> None:
        self.last = 0
        self.dropped = 0
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._items: deque[Received[Body]] = deque()
        self._sizes: deque[int] = deque()
        self._bytes = 0
        self._arrived = asyncio.Event()

    def add(self, body: Body, size: int) -> None:
        """`size`: the bytes that it came in."""
        self.last += 1
        self._items.append(Received(self.last, time.time_ns() // 1_000_000, body))
        self._sizes.append(size)
        self._bytes += size
        while len(self._items) > self._limit or self._bytes > self._limit_bytes:
            self._items.popleft()
            self._bytes -= self._sizes.popleft()
            self.dropped += 1
        self.wake()

    def after(self, n: int) -> list[Received[Body]]:
        """The kept items with a number above `n`, oldest first."""
        known = min(n, self.last) - (self.last - len(self._items))
        return list(itertools.islice(self._items, max(0, known), None))

    async def arrival(self) -> None:
        """Returns when the next item has arrived, or on `wake`."""
        await self._arrived.wait()

    def wake(self) -> None:
        """Ends every wait for an arrival."""
        self._arrived.set()
        self._arrived = asyncio.Event()

    def clear(self) -> None:
        """Forgets the items; numbers go on from where they are."""
        self._items.clear()
        self._sizes.clear()
        self._bytes = 0
        self.dropped = 0
