"""Write a MicroPython image, a file that is here already, to a board: esptool does the work."""

import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from esptool.targets import CHIP_DEFS  # type: ignore[import-untyped]

from tools.board.errors import BoardError

SOURCE = "https://micropython.org/download/ESP32_GENERIC/"
_BAUD = 460800
_ATTEMPTS = 3
_SMALLEST, _LARGEST = 0x40000, 0x2000000
_TABLE_AT, _TABLE_MAGIC = 0x8000, b"\xaa\x50"
"""Where a chip's flash has its partition table, and how that begins."""


@dataclass(frozen=True)
class Image:
    """An image of a whole flash: for which chip, by esptool's name, and where it goes."""

    path: Path
    chip: str
    offset: int


def read_image(path: Path) -> Image:
    """What the file's header says (ESP-IDF, esp_app_format.h: magic 0xE9, chip id at byte 12).

    An image that can boot has a partition table too; one for updates over the air (.app-bin) has
    none and would leave a board that does not start. Raises BoardError.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or "no such name can be"
        raise BoardError(f"{path} cannot be read: {cause}; images are at {SOURCE}") from None
    if content[:1] != b"\xe9" or not _SMALLEST <= len(content) <= _LARGEST:
        raise BoardError(f"{path} is no MicroPython image for an ESP32; images are at {SOURCE}")
    (number,) = struct.unpack_from("<H", content, 12)
    chips = [chip for chip in CHIP_DEFS if _number(chip) == number]
    if not chips:
        raise BoardError(f"{path} is for a chip that esptool does not know (number {number})")
    offset = CHIP_DEFS[chips[0]].BOOTLOADER_FLASH_OFFSET
    at = _TABLE_AT - offset
    if content[at : at + 2] != _TABLE_MAGIC:
        raise BoardError(
            f"{path} has no partition table, so no board could start from it; take the .bin file"
            f" (not .app-bin) from {SOURCE}"
        )
    return Image(path, chips[0], offset)


def _number(chip: str) -> int | None:
    """What names a chip in an image; an ESP8266 has none."""
    return getattr(CHIP_DEFS[chip], "IMAGE_CHIP_ID", None)


def arguments(image: Image, port: str, *, erase: bool) -> list[str]:
    """Of esptool. Naming the chip makes it refuse a board with another one."""
    return [
        *("--chip", image.chip, "--port", port, "--baud", str(_BAUD)),
        *("--connect-attempts", str(_ATTEMPTS)),
        "write-flash",
        *(["--erase-all"] if erase else []),
        *(hex(image.offset), str(image.path)),
    ]


def install(image: Image, port: str, *, erase: bool) -> None:
    """Write it; esptool shows how far it is. Raises BoardError.

    Without `erase` what the board keeps stays: its files, unsent events and boot counter. That
    is right for a newer MicroPython; a flash that held another program may need `erase`.
    """
    done = subprocess.run(
        [sys.executable, "-m", "esptool", *arguments(image, port, erase=erase)],
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        raise BoardError(
            f"esptool could not write {image.path} to {port}, see above; hold the board's BOOT"
            " button until it connects, and run this again: nothing is lost by that"
        )
    print(f"MicroPython is on the board at {port}; next: python -m tools.board flash")
    if not erase:
        print("If it does not start (`logs` shows why), run this again with --erase.")
