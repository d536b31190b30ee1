"""`python -m tools.simulator DIRECTORY`: a person's keys are the board's buttons, keypad, badge."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
KEYPAD = {"rows": [13, 14, 25, 4], "columns": [27, 32, 33]}
READER = {"d0": 22, "d1": 23}


def door(**reader: Any) -> dict[str, Any]:
    return {"access": {**reader, "lock": {"pin": 26}, "no_verdict": "closed"}}


@pytest.mark.parametrize(
    ("settings", "keys", "expected"),
    [
        ({"inputs": [{"kind": "button", "name": "bell", "pin": 27, "pull": "up"}]}, "1", "buttonS"),
        (door(keypad=KEYPAD), "12*34#", "door: refused front-door keypad (unknown"),
        (door(wiegand=READER), "b", "door: refused front-door keypad (unknown"),
    ],
)
def test_keys_of_the_terminal(
    tmp_path: Path, settings: dict[str, Any], keys: str, expected: str
) -> None:
    common = {"device": "front-door", "key": "A" * 43 + "=", "agent": "http://127.0.0.1:1"}
    (tmp_path / "config.json").write_text(json.dumps({**common, **settings}))
    with subprocess.Popen(
        [sys.executable, "-m", "tools.simulator", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin and process.stdout
        for line in process.stdout:
            if line.startswith("boot "):
                process.stdin.write(keys)
                process.stdin.flush()
            if expected in line:
                process.stdin.write("q")
                process.stdin.flush()
                break
        else:
            pytest.fail("the board never said it")
        assert process.wait(60) == 0
