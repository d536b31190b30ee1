"""How the doctor asks a board, and how it says what it found."""

import json
from dataclasses import dataclass
from typing import Any, Literal

from tools.board.connection import Board
from tools.board.errors import BoardError


@dataclass(frozen=True)
class Finding:
    """One line: `ok`, `warn` for what may be meant so, `bad` for what keeps the board from its
    work; `text` tells what to do unless all is well."""

    level: Literal["ok", "warn", "bad"]
    about: str
    text: str

    def __str__(self) -> str:
        return f"{self.level:<4}  {self.about:<10}  {self.text}"


def told(board: Board, code: str) -> Any:
    """What the code prints last on the board, which is JSON. Raises BoardError."""
    return last_of(board, board.run(code))


def last_of(board: Board, output: str) -> Any:
    """The JSON in the last line of what a board printed. Raises BoardError."""
    try:
        return json.loads(output.strip().splitlines()[-1])
    except (ValueError, LookupError):
        raise BoardError(f"the board on {board.port} was not understood; try again") from None
