"""What a simulated board's sensors have around them is in our hands; the firmware reports it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.simulator import SimulatedBoard

CONFIG = {
    "device": "cellar",
    "key": "A" * 43 + "=",
    "agent": "http://127.0.0.1:1",
    "inputs": [
        {"kind": "ds18x20", "name": "wine", "pin": 4, "every_ms": 1000},
        {"kind": "dht22", "name": "air", "pin": 16, "every_ms": 2000},
        {"kind": "bme280", "name": "outside", "sda": 21, "scl": 22, "every_ms": 1000},
    ],
}


@pytest.fixture
def board(tmp_path: Path) -> Iterator[SimulatedBoard]:
    with SimulatedBoard(tmp_path, CONFIG) as board:
        yield board


def test_what_we_set_is_what_the_firmware_reports(board: SimulatedBoard) -> None:
    board.sensor(4, "temperature", 11.5)
    board.wait_for(r"captured \S+ wine_reading \{'wine': 11.5\}")
    board.sensor(16, "humidity", 77.7)
    board.wait_for(r"captured \S+ air_reading \{.*'humidity': 77.7")
    board.sensor(21, "pressure", 987.6)
    board.wait_for(r"captured \S+ outside_reading \{.*'pressure': 987\.[56]")


def test_a_sensor_that_is_unplugged_is_told_and_one_that_is_plugged_in_again(
    board: SimulatedBoard,
) -> None:
    for pin, name in ((4, "wine"), (16, "air"), (21, "outside")):
        board.sensor(pin, "plugged", 0)
        board.wait_for(rf"^input {name}: no reading: ")
        board.sensor(pin, "plugged", 1)
        board.wait_for(rf"^input {name}: reads again$")
