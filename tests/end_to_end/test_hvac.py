"""An app in the agent: people switch a board over HTTP, its button comes back, and nothing that the
app does loses an event."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.end_to_end.system import BUTTON, ROOT, System, wait_until
from tools.simulator import SimulatedBoard

HVAC = ROOT / "host_agent/examples/hvac.py"
POWER = {"power": {"pin": 18}}
BROWSER = {"User-Agent": "Browser/1.0", "X-User": "ann"}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[Path], System]]:
    """start(file): everything, with the app in that file."""
    system = System(tmp_path)

    def start(file: Path) -> System:
        system.start_with_app(file)
        return system

    try:
        yield start
    finally:
        system.close()


def hvac(system: System) -> SimulatedBoard:
    return system.board("hvac", BUTTON, commands=POWER, poll_s=1)


def of_source(system: System, source: str) -> list[dict[str, Any]]:
    return [body for body in system.received() if body["SOURCE"] == source]


def test_power_is_switched_by_http_and_the_button_reports(start: Callable[[Path], System]) -> None:
    system = start(HVAC)
    with hvac(system) as board:
        board.wait_for("agent: connected")
        answer = requests.get(
            f"{system.app}/?power=on",
            headers={**BROWSER, "X-Forwarded-For": "203.0.113.9"},
            timeout=60,
        )
        assert (answer.status_code, answer.text) == (200, "power on\n")
        board.wait_for_output(18, 1)
        wait_until(lambda: of_source(system, "USER"), "the USER event arrives")
        board.press(14)
        system.wait_for(["1:1"])
        requests.get(f"{system.app}/?power=off&user=bob", timeout=60).raise_for_status()
        board.wait_for_output(18, 0)
        wait_until(lambda: len(system.received()) == 3, "three events")
    on, off = of_source(system, "USER")
    assert on.pop("EXT_EVT_ID").startswith("hvac:x:") and on.pop("TIME").isdecimal()
    assert on == {
        "SOURCE": "USER",
        "TYPE": "power",
        "DEVICE_ID": "hvac",
        "DEVICE_TYPE": "Lock",
        "SOURCE_GROUP_ID": "house-7",
        "SOURCE_IP": "127.0.0.1",
        "USER_AGENT": "Browser/1.0",
        "USER_ID": "ann",
        "PARAMS": [{"NAME": "state", "VALUE": "on"}],
    }
    assert (off["USER_ID"], off["PARAMS"][0]["VALUE"]) == ("bob", "off")
    (press,) = of_source(system, "DEVICE")
    assert (press["TYPE"], press["EXT_EVT_ID"]) == ("buttonState", "hvac:1:1")
    assert "app.hvac: the button of hvac: {'pressed': True}" in system.agent.output()


@pytest.mark.parametrize("target", ["/", "/?power=maybe", "/?power="])
def test_what_it_does_not_understand_is_a_400_and_no_event(
    start: Callable[[Path], System], target: str
) -> None:
    system = start(HVAC)
    answer = requests.get(system.app + target, timeout=60)
    assert (answer.status_code, answer.text) == (400, "ask for /?power=on or /?power=off\n")
    assert json.loads(system.thingwarden("events", "list", "--json").stdout) == []


MISBEHAVED = """
import time
from host_agent.app import Agent

agent = Agent()

@agent.on("buttonState")
def fail(event):
    raise ValueError(event.id)

@agent.on("*")
def hang(event):
    time.sleep(3600)

@agent.on_request
async def exit(request):
    raise SystemExit(3)
"""


def test_handlers_that_raise_and_hang_stop_nothing(
    start: Callable[[Path], System], tmp_path: Path
) -> None:
    file = tmp_path / "misbehaved.py"
    file.write_text(MISBEHAVED)
    system = start(file)
    with hvac(system) as board:
        board.wait_for("agent: connected")
        for _ in range(5):
            board.press(14)
            assert requests.get(system.app, timeout=60).status_code == 500
        wait_until(lambda: len(board.captured) == 5, "five presses")
        system.wait_for(board.captured)
        failed = 'thingwarden_app_events_total{on="buttonState",result="failed"}'
        hung = 'thingwarden_app_events_total{on="*",result="hung"}'
        wait_until(lambda: system.metric(failed) == 5, "each failure is counted")
        wait_until(lambda: system.metric(hung) == 1, "it is not waited for longer than 10 s")
        assert system.received_ids() == board.captured
    log = system.agent.output()
    assert f"{file}" in log and "ValueError: hvac:1:1" in log and "time.sleep(3600)" in log
    assert system.agent.stop() == 0


def test_what_was_answered_survives_kill_9(start: Callable[[Path], System]) -> None:
    system = start(HVAC)
    system.fault({"kind": "status", "status": 503, "count": 0})
    board = hvac(system)
    requests.get(f"{system.app}/?power=on", headers=BROWSER, timeout=60).raise_for_status()
    system.agent.kill()
    system.heal()
    system.agent.start()
    with board:
        board.wait_for_output(18, 1)
        wait_until(lambda: of_source(system, "USER"), "the USER event arrives")
        wait_until(lambda: system.metric("thingwarden_backlog_events") == 0, "no more is to come")
        commands = json.loads(system.thingwarden("command", "list", "--json").stdout)
    (event,) = system.received()
    assert (event["USER_ID"], event["PARAMS"][0]["VALUE"]) == ("ann", "on")
    assert [(command["name"], command["args"]) for command in commands] == [("power", "on")]
    (stored,) = json.loads(system.thingwarden("events", "list", "--json").stdout)
    assert (stored["event_id"], stored["state"]) == (event["EXT_EVT_ID"], "delivered")
    assert stored["caller"]["source_ip"] == "127.0.0.1"
