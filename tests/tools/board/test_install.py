"""MicroPython goes onto a board only from a file that a board can start from."""

import os
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tools.board.errors import BoardError
from tools.board.install import Image, arguments, read_image

ROOT = Path(__file__).parents[3]
ESP32, ESP32_S3 = 0, 9


def image(path: Path, chip: int = ESP32, table_at: int = 0x7000) -> Path:
    content = bytearray(b"\xff" * 0x50000)
    content[:16] = struct.pack("<B11xHxx", 0xE9, chip)
    content[table_at : table_at + 2] = b"\xaa\x50"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("chip", "table_at", "name", "offset"),
    [(ESP32, 0x7000, "esp32", 0x1000), (ESP32_S3, 0x8000, "esp32s3", 0)],
    ids=["esp32", "esp32s3"],
)
def test_the_image_tells_its_chip_and_place(
    tmp_path: Path, chip: int, table_at: int, name: str, offset: int
) -> None:
    path = image(tmp_path / "micropython.bin", chip, table_at)
    assert read_image(path) == Image(path, name, offset)


def test_esptool_is_told_chip_place_and_whether_to_erase(tmp_path: Path) -> None:
    made = Image(tmp_path / "m.bin", "esp32", 0x1000)
    kept, erased = (arguments(made, "/dev/ttyUSB0", erase=erase) for erase in (False, True))
    assert kept[-3:] == ["write-flash", "0x1000", str(made.path)]
    assert erased[-4:] == ["write-flash", "--erase-all", "0x1000", str(made.path)]
    assert kept[:4] == ["--chip", "esp32", "--port", "/dev/ttyUSB0"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is no MicroPython image"),
        (b"PK\x03\x04" + bytes(0x50000), "is no MicroPython image"),
        (b"\xe9" + bytes(100), "is no MicroPython image"),
        (b"\xe9" + bytes(0x50000), "has no partition table"),
        (b"\xe9" + b"\xff" * 0x50000, "a chip that esptool does not know"),
    ],
    ids=["empty", "zip", "short", "update", "chip"],
)
def test_no_other_file_is_written(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "image.bin"
    path.write_bytes(content)
    with pytest.raises(BoardError, match=told):
        read_image(path)


def test_a_file_that_is_not_there_is_told_with_where_images_come_from(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match=r"No such file.*https://micropython.org/download"):
        read_image(tmp_path / "missing.bin")


def test_a_port_where_nothing_answers_ends_in_a_plain_error(tmp_path: Path) -> None:
    controller, terminal = os.openpty()
    swallowing = threading.Thread(target=_swallow, args=(controller,), daemon=True)
    swallowing.start()
    started = time.monotonic()
    written = image(tmp_path / "m.bin")
    command = ["tools.board", "install-micropython", "--port", os.ttyname(terminal), written]
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 1
    assert "esptool could not write" in done.stderr and "BOOT" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert time.monotonic() - started < 60
    os.close(terminal)
    swallowing.join(5)
    os.close(controller)


def _swallow(controller: int) -> None:
    try:
        while os.read(controller, 4096):
            pass
    except OSError:  # the other end is closed
        pass
