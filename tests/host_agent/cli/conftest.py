"""`thingwarden` as a person runs it, in a directory of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from host_agent.cli import main


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def warden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    for variable in ("THINGWARDEN_CONFIG", "THINGWARDEN_API_KEY", "THINGWARDEN_API_SECRET"):
        monkeypatch.delenv(variable, raising=False)

    def run(*arguments: object) -> Outcome:
        capsys.readouterr()
        code: object = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = end.code or 0
        assert isinstance(code, int)
        return Outcome(code, *capsys.readouterr())

    return run


@pytest.fixture
def ready(warden: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """After `init` and `device add door`."""
    assert warden("init").code == 0
    assert warden("device", "add", "door", "--type", "Lock", "--group", "hq").code == 0
    return warden
