"""A process that works on a store until it is killed."""

import subprocess
import sys
from pathlib import Path


def told_until_killed(script: str, store: Path, lines: int) -> list[str]:
    """Run `script STORE`, kill -9 it once it has printed so many lines; all the whole lines."""
    with subprocess.Popen(
        [sys.executable, "-c", script, str(store)], stdout=subprocess.PIPE, text=True
    ) as burst:
        assert burst.stdout is not None
        told = [burst.stdout.readline() for _ in range(lines)]
        burst.kill()
        told += burst.stdout.readlines()
    return [line.rstrip() for line in told if line.endswith("\n")]
