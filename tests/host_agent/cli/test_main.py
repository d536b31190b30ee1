"""What no command foresees."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from host_agent.cli import app


@pytest.fixture
def broken():
    """A command with a mistake in it, whose error quotes a secret."""

    def broken() -> None:
        raise LookupError("a secret thing")

    app.command(broken)
    yield "broken"
    del app["broken"]


def test_a_mistake_of_ours_is_one_line_that_asks_for_a_report(warden, broken: str) -> None:
    outcome = warden(broken)
    assert outcome.code == 70
    assert outcome.err.count("\n") == 1
    assert "LookupError" in outcome.err and "report" in outcome.err
    assert "secret" not in outcome.err


def test_the_place_of_a_mistake_is_shown_for_the_report(warden, broken: str, monkeypatch) -> None:
    monkeypatch.setenv("THINGWARDEN_DEBUG", "1")
    outcome = warden(broken)
    assert outcome.code == 70
    assert "in broken" in outcome.err


def test_a_reader_that_has_gone_is_no_mistake(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run(
            [sys.executable, "-u", "-m", "host_agent", "init"],
            cwd=tmp_path,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        os.close(writer)
    assert (ended.returncode, ended.stderr) == (1, "")
