"""What a board says of itself, and whether it can run the firmware."""

from dataclasses import dataclass

from tools.board.errors import BoardError

_OLDEST = (1, 26)
_MPY = 6
_ARCHITECTURES = (
    None,
    "x86",
    "x64",
    "armv6",
    "armv6m",
    "armv7m",
    "armv7em",
    "armv7emsp",
    "armv7emdp",
    "xtensa",
    "xtensawin",
    "rv32imc",
    "rv64imc",
)
"""Of `sys.implementation._mpy`, bits 10 to 13 (docs.micropython.org, "MicroPython .mpy files")."""


@dataclass(frozen=True)
class Facts:
    """A board as its MicroPython tells it. `march` names its native code for mpy-cross, None if it
    takes none; `mpy` is the version of its .mpy files; `heap` counts free bytes."""

    platform: str
    release: tuple[int, ...]
    machine: str
    march: str | None
    mpy: int
    heap: int

    @property
    def version(self) -> str:
        return ".".join(map(str, self.release))


def facts(platform: str, release: tuple[object, ...], machine: str, mpy: int, heap: int) -> Facts:
    """From `sys.platform`, `sys.implementation` and `gc.mem_free()`."""
    number = mpy >> 10 & 15
    return Facts(
        platform=platform,
        release=tuple(part for part in release if isinstance(part, int)),
        machine=machine,
        march=_ARCHITECTURES[number] if number < len(_ARCHITECTURES) else None,
        mpy=mpy & 0xFF,
        heap=heap,
    )


def check(found: Facts) -> None:
    """Raises BoardError unless the firmware runs on such a board."""
    if found.release[:2] < _OLDEST:
        raise BoardError(
            f"the board has MicroPython {found.version}, and the firmware needs 1.26 or newer:"
            " `python -m tools.board install-micropython` writes a newer image"
        )
    if found.mpy != _MPY:
        raise BoardError(
            f"MicroPython {found.version} on the board loads .mpy files of version {found.mpy},"
            f" and mpy-cross makes version {_MPY}: `python -m tools.board install-micropython`"
            " writes an image that fits"
        )
