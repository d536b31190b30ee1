"""`tools.board logs`: what a board says, while it goes on with its work."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.at_terminal import AtTerminal
from tools.simulator import UsbBoard

TALKING = """
import time
number = 0
while True:
    print("line", number)
    print("~3:eyJhbGciOiJkaXIi")
    print("evil \\x1b[31m\\x07 bell")
    number += 1
    time.sleep_ms(50)
"""


@pytest.fixture
def board(tmp_path: Path) -> Iterator[UsbBoard]:
    root = tmp_path / "board"
    root.mkdir()
    (root / "main.py").write_text(TALKING)
    with UsbBoard(root) as board:
        yield board


def test_lines_are_shown_and_the_board_runs_on(board: UsbBoard, tmp_path: Path) -> None:
    with AtTerminal(["-m", "tools.board", "logs", "--port", board.port], tmp_path) as person:
        person.wait_for("line ")
        person.wait_for("evil \\x1b[31m\\x07 bell")
        person.press("\x03")
        assert person.end() == 130
    assert person.shown.rstrip().endswith("stopped")
    assert "\x1b" not in person.shown and "\x07" not in person.shown
    assert "~" not in person.shown and "Traceback" not in person.shown
    board.wait_for(r"^line \d+$", since=len(board.lines))
    numbers = [int(line[5:]) for line in board.lines if line.startswith("line ")]
    assert numbers == list(range(len(numbers))), "it began anew"
    assert board.resets == 0


def test_a_board_that_is_unplugged_is_waited_for(board: UsbBoard, tmp_path: Path) -> None:
    with AtTerminal(["-m", "tools.board", "logs", "--port", board.port], tmp_path) as person:
        for _ in range(3):
            person.wait_for("line ")
            board.unplug()
            person.wait_for("board.tty is gone; waiting for it")
            board.plug()
            person.wait_for("board.tty is back")
        person.wait_for("line ")
        person.press("\x03")
        assert person.end() == 130
    assert board.resets == 0


def test_a_port_of_the_agent_is_borrowed_and_that_is_said(board: UsbBoard, tmp_path: Path) -> None:
    (tmp_path / "agent.toml").write_text(f'[serial]\nports = ["{tmp_path}/*.tty"]\n')
    with AtTerminal(["-m", "tools.board", "logs", "--port", board.port], tmp_path) as person:
        person.wait_for("the agent, whose port it is, keeps away from it meanwhile")
        person.wait_for("line ")
        with AtTerminal(["-m", "tools.board", "logs", "--port", board.port], tmp_path) as other:
            assert other.end() == 1
        assert "line " not in other.shown and "Traceback" not in other.shown
        person.wait_for("line ")
