"""What the README shows works as it stands there."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.end_to_end.system import CREDENTIALS, System
from tools.board.ask import Ask
from tools.board.provision import files_for
from tools.server_process import ServerProcess, free_port
from tools.simulator import UsbBoard

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def commands(text: str) -> list[str]:
    """The lines of its shell blocks, without comments."""
    return [
        line.partition("  #")[0].strip()
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        for line in block.splitlines()
    ]


COMMANDS = commands(README)
REAL_BOARD = commands(README.partition("## A real board")[2].partition("\n## ")[0])
(DOOR,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
INLINE = re.findall(r"`(thingwarden [^`]+)`", README)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(
        ["tools.sandbox", "--listen", "127.0.0.1:0"],
        log=tmp_path / "sandbox.log",
        says="listening on",
        env=CREDENTIALS,
    ) as sandbox:
        yield sandbox


def shown(*words: str) -> str:
    """The first command of the README that begins so."""
    command, *_ = [c for c in COMMANDS if c.split()[: len(words)] == list(words)]
    return command


def in_section(words: str) -> str:
    """The one command of the section on real boards with these words in it."""
    (command,) = [c for c in REAL_BOARD if words in c]
    return command


def test_the_demo_runs_and_loses_nothing() -> None:
    run = subprocess.run(
        [*shlex.split(shown("make", "demo")), "SECONDS=4"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    summary = json.loads(run.stdout.splitlines()[-1])
    assert summary["captured"] == summary["delivered"] > 3
    assert (summary["duplicates"], summary["lost"]) == (0, 0)
    assert 0 < summary["p50_ms"] <= summary["p99_ms"]
    assert "front-button" in run.stdout and "thermometer" in run.stdout
    assert summary["opened"] == 1
    assert summary["refused"] > summary["blocked"] == 1
    assert summary["notifications"] > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_ends_on_ctrl_c_with_its_summary_and_leaves_nothing(
    number: signal.Signals, tmp_path: Path
) -> None:
    """A terminal sends Ctrl-C to the whole process group."""
    with subprocess.Popen(
        [sys.executable, "-m", "tools.demo"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as demo:
        assert demo.stdout is not None
        shown = [line for line in (demo.stdout.readline() for _ in range(4)) if line]
        os.killpg(demo.pid, number)
        shown += demo.stdout.readlines()
    assert demo.returncode == 0
    summary = json.loads(shown[-1])
    assert summary["captured"] == summary["delivered"] > 0
    assert list(tmp_path.iterdir()) == []


def test_the_test_command_is_the_one_that_ci_runs() -> None:
    assert shown("make", "test") in (ROOT / ".ci/run").read_text().splitlines()


def test_a_real_agent_is_set_up_as_shown(tmp_path: Path, sandbox: ServerProcess) -> None:
    def thingwarden(command: str, answer: str = "") -> str:
        words = shlex.split(command)
        assert words[0] in (".venv/bin/thingwarden", "thingwarden")
        run = subprocess.run(
            [Path(sys.executable).with_name("thingwarden"), *words[1:]],
            cwd=tmp_path,
            input=answer,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        return run.stdout

    thingwarden(shown(".venv/bin/thingwarden", "init"))
    settings = tmp_path / "agent.toml"
    text = settings.read_text()
    console = f"127.0.0.1:{free_port()}"
    for default, ours in (
        ('api_key = ""', f'api_key = "{CREDENTIALS["SANDBOX_API_KEY"]}"'),
        ('api_secret = ""', f'api_secret = "{CREDENTIALS["SANDBOX_API_SECRET"]}"'),
        ("# url = ", f'url = "{sandbox.address}/api/v1/event"  # '),
        ("# listen = ", f'listen = "127.0.0.1:{free_port()}"  # '),
        ("# listen = ", f'listen = "{console}"  # '),
    ):
        assert default in text
        text = text.replace(default, ours, 1)
    settings.write_text(text)
    run = shlex.split(shown(".venv/bin/thingwarden", "run"))
    with ServerProcess(
        ["host_agent", *run[1:], "--config", str(settings)],
        log=tmp_path / "agent.log",
        says="device link on",
    ):
        thingwarden(shown(".venv/bin/thingwarden", "device", "add"))
        thingwarden(shown(".venv/bin/thingwarden", "events", "list"))
        thingwarden(shown(".venv/bin/thingwarden", "user", "add"), "a quiet evening in May\n")
        added = thingwarden(shown(".venv/bin/thingwarden", "token", "add"))
        token = re.findall(r"\btw_\S+", added)[0]
        asked = requests.post(
            f"http://{console}/devices/front-door/commands/power",
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
        )
        assert asked.status_code == 202
        (send,) = [c for c in INLINE if c.startswith("thingwarden send")]
        thingwarden(send)
    assert "front-door" in thingwarden("thingwarden device list")


def test_a_real_board_is_set_up_as_shown(tmp_path: Path) -> None:
    """With MicroPython behind a pty in place of the ESP32, so the image cannot be written, and the
    port, which no list of USB devices has, is named."""
    system = System(tmp_path)
    try:
        system.start_with_usb()
        system.thingwarden(*shlex.split(in_section("thingwarden device add"))[1:])
        boards = tmp_path / "boards"
        boards.mkdir()
        (boards / "front-door.toml").touch(mode=0o600)
        (boards / "front-door.toml").write_text('agent = "serial"\n[commands.power]\npin = 18\n')
        assert re.search(r"`ports = \[.*\]` under `\[serial\]`", README)
        board = UsbBoard(tmp_path / "board")
        system.boards.append(board)
        board.start()

        def run(command: str, *more: str) -> str:
            words = shlex.split(command)
            words[0] = str(Path(sys.executable).with_name(Path(words[0]).name))
            run = subprocess.run(
                [*words, *more, "--config", str(system.config)],
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                capture_output=True,
                text=True,
                timeout=100,
                check=False,
            )
            assert run.returncode == 0, run.stdout + run.stderr
            return run.stdout

        port = ("--port", str(board.port))
        flash = shlex.split(in_section("make flash"))
        expanded = subprocess.check_output(["make", "-n", *flash[1:]], cwd=ROOT, text=True)
        (flash_command,) = [line for line in expanded.splitlines() if "tools.board" in line]
        run(flash_command, *port)
        assert "done" in run(in_section(".venv/bin/thingwarden command send"))
        board.wait_for_output(18, 1)
        assert "front-door" in run(in_section(".venv/bin/python -m tools.board doctor"), *port)
        run(in_section(".venv/bin/thingwarden device rotate"))
        run(flash_command, *port)
    finally:
        system.close()


def test_a_door_is_set_up_as_shown(tmp_path: Path, sandbox: ServerProcess) -> None:
    def thingwarden(*words: str, answer: str = "") -> str:
        run = subprocess.run(
            [Path(sys.executable).with_name("thingwarden"), *words],
            cwd=tmp_path,
            input=answer,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        return run.stdout

    def as_shown(*words: str, answer: str = "") -> str:
        return thingwarden(*shlex.split(shown(".venv/bin/thingwarden", *words))[1:], answer=answer)

    (tmp_path / "agent.toml").write_text(f'[guardiankey]\napi = "{sandbox.address}"\n')
    as_shown("guardiankey", "register")
    (line,) = re.findall(r"`(account = [^`]+)`", README)
    with (tmp_path / "agent.toml").open("a") as settings:
        settings.write(line + "\n")
    thingwarden("device", "add", "front-door", "--type", "Lock")
    boards = tmp_path / "boards"
    boards.mkdir(mode=0o700)
    (boards / "front-door.toml").touch(mode=0o600)
    (boards / "front-door.toml").write_text(f'agent = "http://192.168.1.10:8710"\n{DOOR}')
    config = files_for("front-door", tmp_path / "agent.toml", boards, Ask()).config
    assert config["guardiankey"]["auth_group_id"] and config["access"]["keypad"]
    as_shown("access", "add", answer="471108\n")
    as_shown("attempts", "list")
    assert "alice" in thingwarden("access", "list")


def test_every_command_and_file_that_is_named_exists() -> None:
    checked = ("make demo", "make test", "make flash", ".venv/bin/thingwarden", ".venv/bin/python")
    assert all(command.startswith(checked) for command in COMMANDS)
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
    help_ = subprocess.check_output([sys.executable, "-m", "tools.board", "--help"], text=True)
    for command in REAL_BOARD:
        if "tools.board" in command:
            assert shlex.split(command)[3] in help_
