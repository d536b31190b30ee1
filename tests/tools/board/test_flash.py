"""`tools.board flash` from the store to a report, with the real agent and firmware."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_agent.store import Store
from tests.at_terminal import AtTerminal
from tests.end_to_end.system import ROOT, System, wait_until
from tests.tools.board.tiny_firmware import tiny_firmware
from tools.board.errors import BoardError
from tools.board.flash import flash
from tools.server_process import free_port
from tools.simulator import UsbBoard

WIFI = '[wifi]\nssid = "simulated"\npassword = "correct horse"\n'
NETWORK = f'agent = "http://127.0.0.1:%d"\n{WIFI}'


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    system = System(tmp_path)
    try:
        system.start()
        yield system
    finally:
        system.close()


class Home:
    """An agent.toml, a device `front-door` and its boards/front-door.toml; no agent runs."""

    def __init__(self, directory: Path) -> None:
        self.config = directory / "agent.toml"
        self.config.write_text(f'[link]\nlisten = "127.0.0.1:{free_port()}"\n')
        self.boards = directory / "boards"
        with Store.open(directory / "thingwarden.db") as store:
            self.key = store.add_device("front-door", "Lock").key

    def board_file(self, text: str) -> None:
        self.boards.mkdir()
        (self.boards / "front-door.toml").write_text(text)
        (self.boards / "front-door.toml").chmod(0o600)

    def flash(self, port: object, firmware: Path) -> None:
        flash(str(port), "front-door", self.config, self.boards, wait_s=2, firmware=firmware)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_from_a_bare_board_to_its_first_report(
    system: System, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    system.thingwarden("device", "add", "front-door", "--type", "Lock")
    boards = tmp_path / "boards"
    boards.mkdir()
    (boards / "front-door.toml").write_text(f'agent = "{system.link}"\n{WIFI}')
    (boards / "front-door.toml").chmod(0o600)
    with UsbBoard(tmp_path / "front-door") as board:
        flash(str(board.port), "front-door", system.config, boards, wait_s=60)
        told = capsys.readouterr()
        wait_until(lambda: "agent: connected" in board.lines, "the board is served")
        assert board.resets == 1
    rows = dict(line.strip().split(maxsplit=1) for line in told.out.splitlines())
    assert rows["slot"] == "a, was none" and rows["device"] == "front-door, boot 1"
    assert "bytes" in rows["uploaded"] and "1.2" in rows["MicroPython"]
    assert rows["free"].startswith("heap") and rows["free"].endswith("bytes")
    assert told.err == "", "no bar where there is no terminal"
    config = json.loads((tmp_path / "front-door/a/config.json").read_text())
    for secret in (config["key"], "correct horse"):
        assert secret not in told.out


GARDEN = """
from machine import Pin

lamp = Pin(27, Pin.OUT, value=0)

def start(report):
    global tell
    tell = report

def blink(value):
    lamp.value(1)
    tell("blinked", {"times": value})

def water(value):
    raise ValueError("the tank is empty")
"""


def test_functions_of_the_owners_module_are_commands(system: System, tmp_path: Path) -> None:
    board = system.usb_board("garden", "")
    boards = tmp_path / "boards"
    (boards / "garden.toml").write_text(
        f'agent = "{system.link}"\npoll_s = 1\n{WIFI}'
        '[commands]\npower = { pin = 26 }\nblink = { module = "yard" }\n'
        'water = { module = "yard" }\nmow = { module = "yard" }\n'
    )
    (boards / "yard.py").write_text(GARDEN)
    with board:
        flashed = system.flash(board)
        assert flashed.returncode == 0, flashed.stderr
        assert (board.root / "a/yard.mpy").exists()
        board.wait_for("command mow: yard has no plain function mow")
        system.thingwarden("command", "send", "garden", "blink", "3")
        board.wait_for_output(27, 1)
        board.wait_for(r"captured \S+ blinked \{'times': 3\}")
        with pytest.raises(subprocess.CalledProcessError) as caught:
            system.thingwarden("command", "send", "garden", "water")
    assert "the tank is empty" in caught.value.stdout + caught.value.stderr


def test_nobody_listens(home: Home, tmp_path: Path) -> None:
    """The firmware is flashed all the same, and it runs."""
    port = free_port()
    home.board_file(NETWORK % port)
    with UsbBoard(tmp_path / "board") as board:
        with pytest.raises(BoardError) as caught:
            home.flash(board.port, tiny_firmware(tmp_path / "tiny"))
        board.wait_for("running 1 1")
    assert f"nobody listens at 127.0.0.1:{port}; start the agent" in str(caught.value)
    assert "running 1 1" in str(caught.value), "what the board said last"
    assert "correct horse" not in str(caught.value)


def test_no_agent_for_a_board_on_a_cable(home: Home, tmp_path: Path) -> None:
    home.board_file('agent = "serial"\n')
    with (
        UsbBoard(tmp_path / "board") as board,
        pytest.raises(BoardError, match="no agent runs here; start it with `thingwarden run`"),
    ):
        home.flash(board.port, tiny_firmware(tmp_path / "tiny"))


def test_a_person_who_forgot_the_agent_is_told_at_once(home: Home, tmp_path: Path) -> None:
    home.board_file('agent = "serial"\n')
    with UsbBoard(tmp_path / "board") as board:
        flash = ("-m", "tools.board", "flash", "--device", "front-door", "--port", board.port)
        with AtTerminal(flash, tmp_path) as person:
            person.wait_for("no agent runs here", timeout_s=45)
            person.press("\x03")
            assert person.end() == 130


def test_a_device_that_the_agent_does_not_know(home: Home, tmp_path: Path) -> None:
    with (
        UsbBoard(tmp_path / "board") as board,
        pytest.raises(BoardError, match="thingwarden device add back-door --type TYPE"),
    ):
        flash(str(board.port), "back-door", home.config, home.boards, wait_s=2)


def test_the_cable_goes_and_comes_back(home: Home, tmp_path: Path) -> None:
    """The board is left where it was; the next flash does the rest."""
    home.board_file(NETWORK % free_port())
    firmware = tiny_firmware(tmp_path / "tiny")
    with UsbBoard(tmp_path / "board") as board:
        board.unplug()
        with pytest.raises(BoardError, match="there is no port"):
            home.flash(board.port, firmware)
        board.plug()
        with pytest.raises(BoardError, match="the board is flashed"):
            home.flash(board.port, firmware)
        board.wait_for("running 1 1")


def test_a_board_that_cannot_be_flashed_runs_on(home: Home, tmp_path: Path) -> None:
    home.board_file(NETWORK % free_port())
    good, bad = tiny_firmware(tmp_path / "good"), tiny_firmware(tmp_path / "bad")
    (bad / "warden/one.py").write_text("VERSION = (")
    with UsbBoard(tmp_path / "board") as board:
        with pytest.raises(BoardError, match="the board is flashed"):
            home.flash(board.port, good)
        since = len(board.lines)
        with pytest.raises(BoardError, match=r"one\.py does not compile"):
            home.flash(board.port, bad)
        board.wait_for("running 1 1", since=since)


@pytest.mark.parametrize("ending", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_flash_that_is_ended_leaves_the_board_running(
    home: Home, tmp_path: Path, ending: str
) -> None:
    """Ctrl-C, `kill`, a terminal that is closed; right when the board's own program has stopped."""
    home.board_file('agent = "serial"\n')
    (tmp_path / "board").mkdir()
    (tmp_path / "board/main.py").write_text(
        "import time\nprint('it runs')\n"
        "try:\n    while True:\n        time.sleep_ms(10)\n"
        "except KeyboardInterrupt:\n    print('it stops')\n"
    )
    command = [
        *(sys.executable, "-m", "tools.board", "flash", "--device", "front-door"),
        *("--config", str(home.config), "--boards", str(home.boards), "--port"),
    ]
    with UsbBoard(tmp_path / "board") as board:
        board.wait_for("it runs")
        flashing = subprocess.Popen([*command, str(board.port)], cwd=ROOT)
        board.wait_for("it stops")
        flashing.send_signal(signal.Signals[ending])
        assert flashing.wait(60)
        since = [n for n, line in enumerate(board.lines) if line == "it stops"][-1]
        board.wait_for("it runs", since=since)
