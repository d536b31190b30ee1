"""What people do at the demo's door, and what became of it."""

import sys
import threading

from tools.demo.boards import KEYPAD
from tools.simulator import SimulatedBoard, SimulatorError

USER, CODE = "alice", "471108"
_WRONG = "000000"
_MOST_TRIES = 6
_PAUSE_S = 15.0


class Visitors:
    """One visitor knows the code, another tries until GuardianKey says BLOCK; again and again."""

    def __init__(self, board: SimulatedBoard) -> None:
        self.opened = 0
        self.refused = 0
        self.blocked = 0
        self.wrongly = 0
        """How often the door did not do what the code deserved, or nothing at all."""
        self._board = board

    def run(self, stop: threading.Event) -> None:
        """One round at least, then until `stop`."""
        try:
            self._board.wait_for(r"^access: 1 credentials")
            self._round()
            while not stop.wait(_PAUSE_S):
                self._round()
        except SimulatorError as error:
            self.wrongly += 1
            print(error, file=sys.stderr)

    def summary(self) -> dict[str, int]:
        return {"opened": self.opened, "refused": self.refused, "blocked": self.blocked}

    def as_they_should(self) -> bool:
        """The good code opened the door, no other did, and it came to a BLOCK."""
        return self.opened > 0 and self.blocked > 0 and not self.wrongly

    def _round(self) -> None:
        if self._enter(CODE).startswith("opened"):
            self.opened += 1
        else:
            self.wrongly += 1
        for _ in range(_MOST_TRIES):
            outcome = self._enter(_WRONG)
            self.wrongly += outcome.startswith("opened")
            self.refused += 1
            if "BLOCK" in outcome:
                self.blocked += 1
                return

    def _enter(self, code: str) -> str:
        """What the board's console says of the door."""
        said = len(self._board.lines)
        self._board.type_keys(f"{code}#", KEYPAD)
        return self._board.wait_for(r"^door: (.*)", since=said)[1]
