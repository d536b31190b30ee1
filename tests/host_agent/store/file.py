"""A store's file in hands other than the test's own store."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path


def alter(path: Path, statement: str, *values: object) -> None:
    """What a flipped bit, or a person with the sqlite3 command, does to the file."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, values)


def in_another_process(code: str, path: Path) -> None:
    """Run `code` with `store` open on the same file."""
    script = (
        "import sys; from pathlib import Path; from host_agent.store import Store\n"
        f"with Store.open(Path(sys.argv[1])) as store:\n    {code}\n"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=True, timeout=60)


def of_version(number: int, path: Path) -> Path:
    """Make the file what ThingWarden made at that version, with a door in it."""
    script = Path(__file__).with_name(f"version_{number}.sql").read_text()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(script)
    return path
