"""`select` of the board: who polls lets other threads run."""

import uselect
from gil import give, take
from uselect import *  # noqa: F403 - whatever a board has


class poll:  # noqa: N801 - its name in MicroPython
    def __init__(self):
        self._poll = uselect.poll()
        self._poll.ipoll(0)  # allocates the tuple of the later ones
        self.register = self._poll.register
        self.unregister = self._poll.unregister
        self.modify = self._poll.modify

    def poll(self, milliseconds=-1):
        self._wait(milliseconds)
        return self._poll.poll(0)

    def ipoll(self, milliseconds=-1, flags=0):
        self._wait(milliseconds)
        return self._poll.ipoll(0, flags)

    def _wait(self, milliseconds):
        if milliseconds != 0:
            give()
            try:
                self._poll.ipoll(milliseconds)
            finally:
                take()
