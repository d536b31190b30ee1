"""Edges on their way from an interrupt handler to the main loop."""

from array import array
from time import ticks_ms

SIZE = 64


class Ring:
    """Edges from one producer (the interrupt handler, on any thread) to the main loop.

    `size` is a power of two.
    """

    def __init__(self, size=SIZE):
        self._ticks = array("l", [0] * size)  # not "q": that reads as a big int
        self._levels = bytearray(size)
        self._wrap = size - 1
        self._head = 0
        self._tail = 0
        self.lost = 0

    def on_edge(self, pin):
        """The interrupt handler. Allocates nothing."""
        self.put(pin.value())

    def put(self, level):
        """Note a level and the time. Allocates nothing."""
        head = self._head
        following = (head + 1) & self._wrap
        if following == self._tail:
            self.lost += 1
            return
        self._ticks[head] = ticks_ms()
        self._levels[head] = level
        self._head = following

    def pop(self):
        """The oldest edge as (ticks_ms, level), None if there is none."""
        tail = self._tail
        if tail == self._head:
            return None
        edge = self._ticks[tail], self._levels[tail]
        self._tail = (tail + 1) & self._wrap
        return edge
