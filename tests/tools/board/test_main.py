"""`python -m tools.board`: exit codes and single lines, never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def board(cwd: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.board", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", ["flash", "install-micropython", "logs", "shell", "doctor"])
def test_every_command_tells_its_options(tmp_path: Path, command: str) -> None:
    done = board(tmp_path, command, "--help")
    assert done.returncode == 0
    for option in ("--port", "--device", "--config", "--boards"):
        assert option in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "COMMAND"),
        (["fly"], "invalid choice: 'fly'"),
        (["flash"], "flash needs --device NAME"),
        (["flash", "--device", "x", "--wait", "soon"], "invalid float"),
        (["install-micropython"], "image"),
        (["logs", "--port", "/dev/null", "--config", "no.toml"], "there is no no.toml"),
    ],
    ids=["nothing", "unknown", "device", "wait", "image", "config"],
)
def test_what_is_asked_wrongly_is_2(tmp_path: Path, arguments: list[str], told: str) -> None:
    done = board(tmp_path, *arguments)
    assert done.returncode == 2 and told in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["logs", "shell", "doctor"])
@pytest.mark.parametrize("port", ["/dev/none", "socket://127.0.0.1", "agent.toml"])
def test_a_port_that_is_none_is_1_and_one_line(tmp_path: Path, command: str, port: str) -> None:
    (tmp_path / "agent.toml").touch()
    done = board(tmp_path, command, "--port", port)
    told = done.stdout if command == "doctor" else done.stderr
    assert done.returncode == 1
    assert len(told.splitlines()) == 1 and port in told


def test_a_serial_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = board(tmp_path, "logs", "--port", "socket://127.0.0.1:1")
    assert done.returncode == 1
    assert "socket://127.0.0.1:1 cannot be opened" in done.stderr


def test_the_environment_names_the_settings(tmp_path: Path) -> None:
    done = board(tmp_path, "logs", "--port", "/dev/null", THINGWARDEN_CONFIG="other.toml")
    assert done.returncode == 2 and "there is no other.toml" in done.stderr
