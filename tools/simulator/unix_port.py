"""The Unix port of MicroPython, which runs the board's programs here."""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from host_agent.errors import ThingWardenError

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
PERIPHERALS = Path(__file__).resolve().parent / "board"
HEAP = "194k"  # 160k, which an ESP32 has free at boot, and what stand-ins for its C modules take


class SimulatorError(ThingWardenError):
    """The simulated board did not start, or did not do what was waited for."""


def micropython() -> str:
    """The Unix port's executable, which comes with the Python environment."""
    beside = Path(sys.executable).with_name("micropython")
    found = str(beside) if beside.exists() else shutil.which("micropython")
    if not found:
        raise SimulatorError("there is no `micropython`; `make` installs it into .venv")
    return found


def environment(
    control: tuple[str, int], millivolts: Mapping[int, float], modules: str
) -> dict[str, str]:
    """The variables of a board whose pins are driven at the address `control`, and that finds
    modules in these directories, with colons between."""
    return {
        **os.environ,
        "MICROPYPATH": f"{modules}:.frozen",
        "SIM_CONTROL": "{}:{}".format(*control),
        "SIM_MILLIVOLTS": ",".join(f"{n}:{v:g}" for n, v in millivolts.items()),
    }


def write_config(root: Path, config: dict[str, Any] | None) -> None:
    """Make the board's flash, with a config.json if there is one to write."""
    root.mkdir(parents=True, exist_ok=True)
    if config is not None:
        path = root / "config.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(config))
