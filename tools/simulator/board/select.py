"""`select` of the board: who polls lets other threads run."""

import uselect
from gil import give, take
from uselect import *  # noqa: F403 - whatever a board has


class poll:  # noqa: N801 - its name in MicroPython
    def __init__(self):
        self._poll = uselect.poll()
        self._poll.ipoll(0)  # the first one allocates
        self.register = self._poll.register
        self.unregister = self._poll.unregister
        self.modify = self._poll.modify
        self.ipoll = self._poll.ipoll

    def poll(self, milliseconds=-1):
        if milliseconds:
            give()
            try:
                self._poll.ipoll(milliseconds)
            finally:
                take()
        return self._poll.poll(0)
