"""Firmware tests run under the Unix port of MicroPython, one process and item per test function.

A test file here is MicroPython: it is parsed for its test functions and never imported.
"""

import ast
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MICROPYTHON = Path(sys.executable).with_name("micropython")
PLACES = {
    "firmware": ROOT / "firmware",
    "tests": HERE,
    "board": ROOT / "tools/simulator/board",
}
"""Where modules are; linked beside the flash, for a module's path lies on the heap, and a checkout
with a longer one must have as much."""
PATH = ":".join(f"../{name}" for name in PLACES)
HEAP = "164k"  # 160k, which an ESP32 has free at boot, and what `time`, `select` and `gil` take
ROOMY = (
    "test_app_door",
    "test_app_serial",
    "test_attempts",
    "test_attempts_route",
    "test_door",
    "test_door_failures",
    "test_route_rest",
)
ROOMY_HEAP = "212k"  # these tests and the agent that they play lie on the same heap; see test_heap


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.File:
    return FirmwareFile.from_parent(parent, path=module_path)


class FirmwareFile(pytest.File):
    def collect(self) -> Iterator["FirmwareTest"]:
        heap = ROOMY_HEAP if self.path.stem in ROOMY else HEAP
        for node in ast.parse(self.path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield FirmwareTest.from_parent(self, name=node.name, line=node.lineno, heap=heap)


class FirmwareTest(pytest.Item):
    def __init__(self, *, line: int, heap: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.line = line
        self.heap = heap

    def runtest(self) -> None:
        """Run the one function in a fresh interpreter whose flash is an empty directory."""
        with tempfile.TemporaryDirectory() as directory:
            for name, place in PLACES.items():
                Path(directory, name).symlink_to(place)
            flash = Path(directory, "flash")
            flash.mkdir()
            run = subprocess.run(
                [
                    MICROPYTHON,
                    "-X",
                    f"heapsize={self.heap}",
                    "-m",  # a file's name would get its real path onto the heap
                    "run",
                    self.path.stem,
                    self.name,
                ],
                cwd=flash,
                env={**os.environ, "MICROPYPATH": f"{PATH}:.frozen"},
                capture_output=True,
                text=True,
                timeout=90,
                check=False,
            )
        if run.returncode or not run.stdout.endswith(f"{self.name} ok\n"):
            raise FirmwareFailure(f"exit code {run.returncode}\n{run.stdout}{run.stderr}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, FirmwareFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.line - 1, self.name


class FirmwareFailure(Exception):
    """How the interpreter ended, and what it printed before."""
