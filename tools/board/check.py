"""A finished config.json is checked by the board's own code, on the Unix port of MicroPython."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tools.board.errors import BoardError
from tools.simulator import PERIPHERALS, micropython

_FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
_LONGEST = 8192
"""Bytes that a board reads (firmware, warden/config.py)."""
_REFUSED = 3
_TIMEOUT_S = 30
_PROGRAM = f"""
import json, sys
from warden import config
from warden.settings import ConfigError
try:
    config.checked(json.load(sys.stdin))
except ConfigError as error:
    print(error)
    sys.exit({_REFUSED})
"""


class ConfigRefused(BoardError):
    """A board would not start with that config.json; the message names the field."""


def check(config: dict[str, Any]) -> None:
    """Raises ConfigRefused with what the board would say; it holds no secret."""
    try:
        text = json.dumps(config, allow_nan=False)
    except TypeError:
        raise ConfigRefused("dates and times have no place in config.json") from None
    except ValueError:
        raise ConfigRefused("nan and inf are no numbers in config.json") from None
    if len(text) > _LONGEST:
        raise ConfigRefused(f"makes {len(text)} bytes of config.json; a board takes {_LONGEST}")
    try:
        done = subprocess.run(
            [micropython(), "-c", _PROGRAM],
            env={"MICROPYPATH": f"{_FIRMWARE}:{PERIPHERALS}:.frozen"},
            input=text.encode(),
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BoardError(f"the check of config.json took longer than {_TIMEOUT_S} s") from None
    if done.returncode == _REFUSED:
        raise ConfigRefused(done.stdout.decode("utf-8", "replace").strip())
    if done.returncode:  # without the error's text, which could quote a value
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise BoardError(f"the check of config.json itself failed: {last.partition(':')[0]}")
