"""`tools.board shell`: stock mpremote's prompt, with the agent kept away."""

import subprocess
import sys
from pathlib import Path

from host_agent.serial_leases import is_lent
from tests.at_terminal import ROOT, AtTerminal
from tools.simulator import UsbBoard

WORKING = """
import time
while True:
    print("at work")
    time.sleep_ms(50)
"""


def test_a_person_works_at_the_prompt(tmp_path: Path) -> None:
    (tmp_path / "agent.toml").touch()
    store = tmp_path / "thingwarden.db"
    (tmp_path / "board").mkdir()
    (tmp_path / "board/main.py").write_text(WORKING)
    with UsbBoard(tmp_path / "board") as board:
        port = str(board.port)
        with AtTerminal(["-m", "tools.board", "shell", "--port", port], tmp_path) as person:
            person.wait_for("Ctrl-] leaves")
            person.wait_for("at work")
            assert is_lent(store, port)
            person.press("\x03")
            person.wait_for(">>> ")
            person.press("print(6 * 7)\r")
            person.wait_for("\n42")
            person.press("\x1d")
            assert person.end() == 0, person.shown
        assert not is_lent(store, port)
    assert board.resets == 0


def test_a_port_that_goes_away_ends_it_plainly(tmp_path: Path) -> None:
    with UsbBoard(tmp_path / "board") as board:
        with AtTerminal(["-m", "tools.board", "shell", "--port", board.port], tmp_path) as person:
            person.wait_for("Connected to MicroPython")
            board.unplug()
            assert person.end() == 1
        assert f"the prompt on {board.port} is gone: " in person.shown
        assert "Traceback" not in person.shown


def test_without_a_terminal_it_says_so(tmp_path: Path) -> None:
    with UsbBoard(tmp_path / "board") as board:
        done = subprocess.run(
            [sys.executable, "-m", "tools.board", "shell", "--port", board.port],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 1
    assert done.stderr == "the prompt needs a terminal; for scripts there is `mpremote exec`\n"
