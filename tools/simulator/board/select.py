"""`select` of the board: who polls lets other threads run."""

import uselect
from gil import outside
from uselect import *  # noqa: F403 - whatever a board has


class poll:  # noqa: N801 - its name in MicroPython
    def __init__(self):
        self._poll = uselect.poll()
        self.register = self._poll.register
        self.unregister = self._poll.unregister
        self.modify = self._poll.modify
        self.ipoll = self._poll.ipoll

    def poll(self, milliseconds=-1):
        return outside(self._poll.poll, milliseconds) if milliseconds else self._poll.poll(0)
