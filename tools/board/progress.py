"""How far a flash is, on a terminal; nothing is shown where there is none."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
from rich.text import Text

from host_agent.text import printable


class Shown:
    """One line: the step, and a bar while bytes travel."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None)

    def step(self, text: str) -> None:
        self._progress.update(self._task, description=printable(text), total=None)

    def travelled(self, count: int, total: int) -> None:
        self._progress.update(self._task, description="uploading", completed=count, total=total)

    def line(self, text: str) -> None:
        """One that stays, above the bar."""
        self._progress.console.print(Text(printable(text), style="dim"))


@contextmanager
def shown(stream: TextIO) -> Iterator[Shown]:
    """Shows on the stream if it is a terminal; what is there of it goes in the end."""
    console = Console(file=stream, quiet=not stream.isatty())
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield Shown(progress)
