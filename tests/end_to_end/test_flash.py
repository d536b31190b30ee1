"""From a bare board and a cable to events in the cloud, and on through flashes, pulled cables and
rotated keys. The board is MicroPython behind a pty; the agent talks to it over the same cable."""

import json
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.system import ROOT, System, wait_until
from tools.simulator import UsbBoard

BUTTON = """
[[inputs]]
kind = "button"
name = "button"
pin = 14
pull = "up"
debounce_ms = 10
"""
POWER = """
[commands.power]
pin = 18
"""


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    system = System(tmp_path)
    try:
        system.start_with_usb()
        yield system
    finally:
        system.close()


def flashed(system: System, settings: str = BUTTON) -> UsbBoard:
    """A board that reports as `front-door` over its cable."""
    board = system.usb_board("front-door", settings)
    board.start()
    run = system.flash(board)
    assert run.returncode == 0, run.stdout + run.stderr
    return board


def modules_in(slot: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (slot / "warden").iterdir()}


def test_a_bare_board_is_flashed_reports_and_only_a_changed_module_travels(
    system: System, tmp_path: Path
) -> None:
    board = flashed(system)
    assert (board.root / "slot").read_text() == "a"
    first = modules_in(board.root / "a")
    assert first.keys() == {f"{path.stem}.mpy" for path in (ROOT / "firmware/warden").glob("*.py")}
    board.press(14)
    system.wait_for(["1:1"])
    assert system.received()[0]["TYPE"] == "buttonState"

    checkout = tmp_path / "checkout"
    for part in ("firmware", "host_agent", "tools"):
        shutil.copytree(ROOT / part, checkout / part)
    version = checkout / "firmware/warden/__init__.py"
    version.write_text(re.sub(r'VERSION = ".*"', 'VERSION = "9.9.9"', version.read_text()))
    run = system.flash(board, checkout)
    assert run.returncode == 0, run.stdout + run.stderr
    assert (board.root / "slot").read_text() == "b"
    assert "warden/__init__.mpy" in run.stdout
    assert re.search(r"uploaded\D+1 file", run.stdout), run.stdout
    second = modules_in(board.root / "b")
    assert {name for name in first if first[name] != second[name]} == {"__init__.mpy"}
    board.wait_for("^ThingWarden 9.9.9")
    board.press(14)
    wait_until(lambda: len(board.captured) == 2, "a press after the second flash")
    system.wait_for(board.captured)
    assert system.received_ids() == board.captured


def test_a_cable_pulled_twenty_times_in_a_burst_loses_and_doubles_nothing(system: System) -> None:
    board = flashed(system)
    stop = threading.Event()

    def burst() -> None:
        while not stop.is_set():
            board.press(14, held_s=0.025)

    pressing = threading.Thread(target=burst)
    pressing.start()
    for pull in range(1, 21):
        wait_until(
            lambda enough=pull * 5: len(system.received()) >= enough, "the burst gets through"
        )
        board.unplug()
        board.plug()
    stop.set()
    pressing.join()
    assert len(board.captured) > 100
    wait_until(
        lambda: system.received_ids() == board.captured,
        "what was captured arrived, each once and in order",
    )


def test_a_key_is_rotated_without_losing_what_waits(system: System) -> None:
    board = flashed(system)
    config = json.loads((board.root / "a/config.json").read_text())
    system.agent.kill()
    for _ in range(3):
        board.press(14)
    wait_until(lambda: len(board.captured) == 3, "three presses were captured")
    wait_until(lambda: list((board.root / "spool").iterdir()), "the presses were spilled")
    system.thingwarden("device", "rotate", "front-door")
    system.agent.start()
    run = system.flash(board)
    assert run.returncode == 0, run.stdout + run.stderr
    assert config["key"] != json.loads((board.root / "b/config.json").read_text())["key"]
    assert not (board.root / "a/config.json").exists()
    system.wait_for(board.captured)
    assert system.received_ids() == board.captured
    (device,) = json.loads(system.thingwarden("device", "list", "--json").stdout)
    assert device["boot"] == 2


def test_a_command_reaches_a_pin_over_the_cable(system: System) -> None:
    board = flashed(system, BUTTON + POWER)
    run = system.thingwarden("command", "send", "front-door", "power", "on", "--json")
    assert json.loads(run.stdout)["state"] == "done"
    board.wait_for_output(18, 1)
    system.thingwarden("command", "send", "front-door", "power", "off")
    board.wait_for_output(18, 0)


def test_the_agent_lends_a_port_and_takes_it_back(system: System) -> None:
    board = flashed(system)
    system.thingwarden("serial", "release", str(board.port))
    wait_until(lambda: "is lent" in system.agent.output(), "the agent says that it let go")
    board.press(14)
    wait_until(lambda: board.captured, "a press without an agent")
    system.thingwarden("serial", "resume", str(board.port))
    system.wait_for(board.captured)
