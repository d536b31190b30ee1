"""Modules compiled by the real mpy-cross, and loaded by the real MicroPython."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.board.build import FIRMWARE, compiled, main_program
from tools.board.errors import BoardError

MICROPYTHON = Path(sys.executable).with_name("micropython")
VIPER = "import micropython\n\n@micropython.viper\ndef twice(x: int) -> int:\n    return x + x\n"


def firmware(path: Path, **modules: str) -> Path:
    (path / "warden").mkdir(parents=True)
    for name, source in modules.items():
        (path / "warden" / f"{name}.py").write_text(source)
    return path


def test_the_whole_firmware_compiles_for_an_esp32(tmp_path: Path) -> None:
    made = compiled("xtensawin", cache=tmp_path)
    assert made.keys() == {f"warden/{path.stem}.mpy" for path in (FIRMWARE / "warden").glob("*.py")}
    assert all(content[:2] == b"M\x06" for content in made.values())


def test_a_board_loads_it_and_traces_name_the_source(tmp_path: Path) -> None:
    tree = firmware(tmp_path / "tree", __init__="", fast=VIPER, broken="1 / 0")
    for path, content in compiled("x64", tree, tmp_path / "cache").items():
        there = tmp_path / "flash" / path
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(content)
    run = subprocess.run(
        [MICROPYTHON, "-c", "from warden import fast\nprint(fast.twice(21))\nimport warden.broken"],
        cwd=tmp_path / "flash",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.stdout.startswith("42")
    assert 'File "warden/broken.py", line 1' in run.stdout + run.stderr


def test_machine_code_is_left_out_where_there_is_none(tmp_path: Path) -> None:
    tree = firmware(tmp_path / "tree", slow="x = 1", fast=VIPER)
    assert compiled(None, tree, tmp_path / "cache").keys() == {"warden/slow.mpy"}


def test_only_what_changed_is_compiled_again(tmp_path: Path) -> None:
    tree, cache = firmware(tmp_path / "tree", one="x = 1", two="x = 2"), tmp_path / "cache"
    first = compiled("x64", tree, cache)
    kept = {path: path.stat().st_mtime_ns for path in cache.rglob("*.mpy")}
    (tree / "warden/one.py").write_text("x = 3")
    second = compiled("x64", tree, cache)
    assert first["warden/one.mpy"] != second["warden/one.mpy"]
    assert first["warden/two.mpy"] == second["warden/two.mpy"]
    now = {path: path.stat().st_mtime_ns for path in cache.rglob("*.mpy")}
    assert len(kept) == 2 and len(now) == 3 and kept.items() <= now.items()


def test_kinds_of_processor_do_not_mix_in_the_cache(tmp_path: Path) -> None:
    tree, cache = firmware(tmp_path / "tree", fast=VIPER), tmp_path / "cache"
    assert compiled("x64", tree, cache) != compiled("xtensawin", tree, cache)
    assert compiled("x64", tree, cache) == compiled("x64", tree, tmp_path / "other")


def test_a_module_that_does_not_compile_is_named(tmp_path: Path) -> None:
    tree = firmware(tmp_path / "tree", wrong="def x(:\n")
    with pytest.raises(BoardError, match=r"warden/wrong\.py does not compile.*SyntaxError"):
        compiled("x64", tree, tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.mpy"))


def test_a_place_without_firmware(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match="no firmware in"):
        compiled("x64", tmp_path)
    with pytest.raises(BoardError, match=r"main\.py cannot be read"):
        main_program(tmp_path)
