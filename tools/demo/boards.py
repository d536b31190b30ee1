"""The demo's boards: provisioned as a person would, and what happens at their pins."""

import json
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from host_agent.errors import ThingWardenError
from tools.simulator import SimulatedBoard

BUTTON_PIN, SENSOR_PIN = 14, 34
WARM_MV = 715.0
KEYPAD = {"rows": [32, 33, 25, 26], "columns": [27, 13, 4]}
LOCK_PIN = 23
LAMP_PIN = 18
SETTINGS: dict[str, dict[str, Any]] = {
    "front-button": {
        "inputs": [{"kind": "button", "name": "button", "pin": BUTTON_PIN, "pull": "up"}],
        "poll_s": 1,
        "commands": {"lamp": {"pin": LAMP_PIN}},
    },
    "thermometer": {
        "inputs": [
            {
                "kind": "analog",
                "name": "temperature",
                "pin": SENSOR_PIN,
                "scale": 0.1,
                "offset": -50,
                "min_change": 0.3,
                "every_ms": 500,
            }
        ]
    },
    "office-door": {
        "inputs": [],
        "poll_s": 1,
        "access": {"keypad": KEYPAD, "lock": {"pin": LOCK_PIN, "open_ms": 1000}},
    },
}
"""What every board has at its pins, as in its config.json."""


class DemoError(ThingWardenError):
    """A step of the demo's set-up failed."""


def thingwarden(config: Path, *arguments: str, answer: str = "") -> None:
    """Run the command line as a person does, who answers its prompt. Raises DemoError."""
    command = [sys.executable, "-m", "host_agent", *arguments, "--config", str(config)]
    run = subprocess.run(command, input=answer, capture_output=True, text=True, check=False)
    if run.returncode:
        raise DemoError(f"thingwarden {' '.join(arguments[:2])}: {run.stderr.strip()}")


def add_board(
    config: Path, name: str, link: str, on_line: Callable[[str, str, float], None]
) -> SimulatedBoard:
    """A board of SETTINGS, known to the agent; `on_line` hears its name and console."""
    root = config.parent / name
    root.mkdir()
    thingwarden(config, "device", "add", name, "--type", name.rpartition("-")[2].title())
    file = root / "config.json"
    door = ["--door"] if "access" in SETTINGS[name] else []
    thingwarden(config, "device", "config", name, "--agent", link, "--out", str(file), *door)
    content: dict[str, Any] = json.loads(file.read_text())
    content |= SETTINGS[name] | {"wifi": {"ssid": "simulated", "password": ""}}
    return SimulatedBoard(
        root,
        content,
        on_line=lambda line, at_s: on_line(name, line, at_s),
        millivolts={SENSOR_PIN: WARM_MV},
    )


def press_now_and_then(board: SimulatedBoard, stop: threading.Event) -> None:
    while not stop.wait(random.uniform(0.2, 1.0)):  # noqa: S311 - a demo's rhythm
        board.press(BUTTON_PIN)


def warm_and_cool(board: SimulatedBoard, stop: threading.Event) -> None:
    millivolts = WARM_MV
    while not stop.wait(0.5):
        millivolts += random.uniform(-8, 8)  # noqa: S311 - a demo's weather
        board.millivolts(SENSOR_PIN, millivolts)
