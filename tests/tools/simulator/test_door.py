"""What a simulated board has at a door: a key matrix, a badge reader, outputs, a clock."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tools.simulator import SimulatedBoard, SimulatorError
from tools.simulator.pins import wiegand_frame

PROGRAM = Path(__file__).parents[2] / "firmware/entry_panel.py"
LOCK = 26
KEYPAD: dict[str, Any] = {
    "rows": [13, 14, 25, 4],
    "columns": [27, 32, 33],
    "keys": "123456789*0#",
    "enter": "#",
    "clear": "*",
}
READER = {"d0": 22, "d1": 23}
ACCESS = {
    "keypad": KEYPAD,
    "wiegand": READER,
    "lock": {"pin": LOCK, "active": "high", "open_ms": 200},
}


@pytest.fixture
def board(tmp_path: Path) -> Iterator[SimulatedBoard]:
    with SimulatedBoard(tmp_path, {"access": ACCESS}, program=PROGRAM) as board:
        yield board


def test_typed_keys_are_an_entry(board: SimulatedBoard) -> None:
    board.type_keys("9*1123456789#", KEYPAD)
    board.wait_for(r"^code 1123456789, missed 0 0$")
    board.type_keys("0#", {"rows": KEYPAD["rows"], "columns": KEYPAD["columns"]})
    board.wait_for(r"^code 0, missed 0 0$")


def test_a_key_that_the_keypad_has_not_is_refused(board: SimulatedBoard) -> None:
    with pytest.raises(SimulatorError, match="no such key"):
        board.type_keys("A", KEYPAD)


@pytest.mark.parametrize(("facility", "card", "bits"), [(12, 34567, 26), (65535, 1, 34)])
def test_a_badge_is_read(board: SimulatedBoard, facility: int, card: int, bits: int) -> None:
    for _ in range(3):
        said = len(board.lines)
        board.badge(READER["d0"], READER["d1"], facility, card, bits)
        board.wait_for(rf"^badge {facility}:{card}, missed 0 \d+$", since=said)


def test_the_pulses_of_a_badge_are_those_of_a_reader() -> None:
    assert wiegand_frame(123, 4567) == "1" + "01111011" + "0001000111010111" + "0"
    assert wiegand_frame(0, 0, 34) == "0" * 33 + "1"
    for facility, card, bits in ((256, 0, 26), (0, 65536, 34), (-1, 0, 26), (1, 1, 27)):
        with pytest.raises(SimulatorError):
            wiegand_frame(facility, card, bits)


def test_an_output_tells_its_level_from_the_start(board: SimulatedBoard) -> None:
    board.wait_for_output(LOCK, 0)
    board.type_keys("1234#", KEYPAD)
    board.wait_for_output(LOCK, 1)
    board.wait_for_output(LOCK, 0)
    assert set(board.outputs) == {LOCK}, "the rows of a keypad are no outputs to anyone"


def test_the_clock_starts_at_the_time_of_the_host(board: SimulatedBoard) -> None:
    found = board.wait_for(r"^boot 1 (.*)")
    year, month, day, weekday, hours, minutes, seconds, micros = json.loads(found[1])
    moment = datetime(year, month, day, hours, minutes, seconds, micros, UTC)
    assert 0 <= time.time() - moment.timestamp() < 60
    assert weekday == moment.weekday()
