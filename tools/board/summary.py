"""What a flash did, as a table."""

from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from host_agent.store import Device
from host_agent.text import printable
from tools.board.deployment import Written

_NAMED = 5
"""So many files are named; of more, there is their number."""


def print_summary(written: Written, report: Device, seconds: float, out: TextIO) -> None:
    """`report` is the device as its first report has left it."""
    moved = f", was {written.before or 'none'}" if written.before != written.slot else ", as before"
    uploaded = _files(written.uploaded)
    if written.uploaded:
        uploaded = f"{uploaded}; {written.uploaded_bytes:,} bytes"
    heap = report.health.get("heap")
    rows = [
        ("device", f"{report.name}, boot {report.boot}"),
        ("MicroPython", f"{written.facts.version}, {written.facts.machine}"),
        ("slot", written.slot + moved),
        ("uploaded", uploaded),
        ("copied there", _files(written.copied)),
        ("kept", _files(written.kept)),
        ("removed", _files(written.removed)),
        ("free heap", f"{heap:,} bytes" if type(heap) is int else "not told"),
        ("time", f"{seconds:.1f} s until the first report"),
    ]
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, value in rows:
        table.add_row(name, Text(printable(value), overflow="fold"))
    Console(file=out).print(table)


def _files(paths: Sequence[str]) -> str:
    count = f"{len(paths)} file{'s' * (len(paths) != 1)}"
    return f"{count}: {', '.join(paths)}" if 0 < len(paths) <= _NAMED else count
