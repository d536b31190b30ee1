"""What the commands share: their common options, terminal output, files that hold a secret."""

import json
import os
import stat
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from host_agent.errors import ThingWardenError
from host_agent.text import printable as printable


class UsageError(ThingWardenError):
    """The command cannot be done as it was given."""


def _is_text(_: object, value: str | None) -> None:
    """What is no UTF-8 in an argument arrives as lone surrogates, which no store can look up."""
    if value is not None and value != value.encode("utf-8", "ignore").decode():
        raise UsageError(f"--device {value}: must be UTF-8 text")


ConfigPath = Annotated[
    Path,
    Parameter(
        name=["--config", "-c"], env_var="THINGWARDEN_CONFIG", help="The agent's settings file."
    ),
]
AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON, for scripts.")]
DeviceName = Annotated[str | None, Parameter(help="Only of this device.", validator=_is_text)]
DEFAULT_CONFIG = Path("agent.toml")


class OutputError(ThingWardenError):
    """A file cannot be written."""


def local_time(time_ms: int | None) -> str:
    """Unix ms as local time to the second; "never" for None."""
    if time_ms is None:
        return "never"
    return datetime.fromtimestamp(time_ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def print_line(text: str) -> None:
    sys.stdout.write(printable(text) + "\n")


def print_json(rows: Iterable[object]) -> None:
    """A JSON array in ASCII, one element a line."""
    lines = ",\n".join(json.dumps(row) for row in rows)
    sys.stdout.write(f"[\n{lines}\n]\n" if lines else "[]\n")


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, whole: str = ""
) -> None:
    """On a narrow terminal cells are folded, except in the column `whole`."""
    # rich takes a tenth of a command's time to import, and most commands show no table.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column == whole)
    for row in rows:
        table.add_row(*(Text(printable(cell), overflow="fold") for cell in row))
    Console().print(table)


def check_out(path: Path, *, replace: bool, remedy: str = "--force replaces it") -> None:
    """Raises UsageError, which tells the `remedy`, if something is at `path` that must stay."""
    try:
        kind = path.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from error
    if not stat.S_ISREG(kind):
        raise UsageError(f"{path} is not a regular file and stays as it is; name another")
    if not replace:
        raise UsageError(f"{path} is there already; {remedy}")


def write_new(path: Path, text: str, *, mode: int = 0o600, replace: bool = False) -> None:
    """Write a whole file with `mode` from the start. Refuses to overwrite unless `replace`."""
    target = path.with_name(path.name + ".new") if replace else path
    try:
        if replace:
            target.unlink(missing_ok=True)
        descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        if replace:
            target.replace(path)
    except FileExistsError as error:
        raise OutputError(f"{path} is there already and stays as it is") from error
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from error
