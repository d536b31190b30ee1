"""A firmware of a few lines, with the repository's own main.py: it tells whether it is whole."""

import shutil
import subprocess
import sys
from pathlib import Path

from tools.board.build import FIRMWARE, MAIN
from tools.board.provision import BoardFiles

FILES = BoardFiles({"device": "d", "key": "aGVsbG8=", "boot_floor": 3}, {"ca.der": b"\0der"})
_APP = """
import json
from warden import large, one, two

def main(directory=""):
    with open(directory + "config.json") as file:
        json.load(file)
    print("running", one.VERSION, two.VERSION, len(large.TEXT))
    try:
        import garden
        print("garden", garden.VERSION)
    except ImportError:
        pass
"""
_MICROPYTHON = Path(sys.executable).with_name("micropython")


def tiny_firmware(path: Path, one: int = 1, two: int = 1) -> Path:
    """A firmware directory; modules of one number are the same in every one."""
    (path / "warden").mkdir(parents=True)
    shutil.copy(FIRMWARE / MAIN, path / MAIN)
    modules = {
        "__init__": "",
        "app": _APP,
        "large": f"TEXT = {'no repetition ' * 400!r}",
        "one": f"VERSION = {one}",
        "two": f"VERSION = {two}",
    }
    for name, source in modules.items():
        (path / "warden" / f"{name}.py").write_text(source)
    return path


def boot(flash: Path) -> str:
    """What a board with that flash prints when it starts."""
    run = subprocess.run(
        [_MICROPYTHON, MAIN],
        cwd=flash,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return run.stdout + run.stderr
