"""The agent as a process, with a board on a cable."""

import os
import signal
from pathlib import Path

import pytest

from host_agent.store import Store
from tests.host_agent.link.serial.cable import Cable, CableBoard


@pytest.fixture
def cable(tmp_path: Path):
    cable = Cable(tmp_path / "board.tty")
    cable.plug()
    yield cable
    cable.close()


@pytest.fixture
def agent(cable: Cable, configure, launch):
    """It attends to the port."""
    configure(serial={"ports": [str(cable.port.with_suffix(".t*"))]})
    return launch().started()


@pytest.fixture
def wired(board, agent, cable: Cable) -> CableBoard:  # noqa: ARG001 (the agent asks it for a frame)
    cable.wait_for(b"~?")
    return CableBoard(board, cable)


def test_a_press_on_a_cable_arrives_as_a_device_event(
    wired: CableBoard, agent, cloud, press, eventually
) -> None:
    assert wired.report(press(1, 1)) == {"ack": [1, 1]}
    assert cloud.next_body()["EXT_EVT_ID"] == "door:1:1"
    wired.cable.write(b"I am a board\n")
    assert wired.report(press(1, 2)) == {"ack": [1, 2]}
    assert "door: I am a board" in agent.output()
    eventually(lambda: 'thingwarden_serial_ports{state="open"} 1.0' in agent.get("/metrics")[1])


def test_a_port_that_is_not_there_is_no_problem(
    configure, launch, tmp_path: Path, eventually
) -> None:
    configure(serial={"ports": [str(tmp_path / "missing")]})
    agent = launch().started()
    assert agent.get("/readyz")[0] == 200
    eventually(lambda: 'thingwarden_serial_ports{state="absent"} 1.0' in agent.get("/metrics")[1])


def test_a_released_port_is_free_for_others_until_it_is_resumed(
    wired: CableBoard, agent, thingwarden, press, eventually
) -> None:
    done = thingwarden("serial", "release")
    assert done.returncode == 0, done.stderr
    descriptor = os.open(wired.cable.port, os.O_RDWR | os.O_NOCTTY)
    os.write(descriptor, b"from mpremote\n")
    wired.cable.wait_for(b"from mpremote")
    os.close(descriptor)
    eventually(lambda: "is lent: the agent keeps away from it" in agent.output())
    assert thingwarden("serial", "resume").returncode == 0
    wired.cable.wait_for(b"~?")
    assert wired.report(press(1, 1)) == {"ack": [1, 1]}
    assert "is taken back" in agent.output()


def test_garbage_and_pulled_cables_leave_the_agent_well(wired: CableBoard, agent, press) -> None:
    wired.cable.write(os.urandom(200_000) + b"\n")
    wired.cable.drain()
    wired.cable.unplug()
    wired.cable.plug()
    wired.cable.wait_for(b"~?")
    assert wired.report(press(1, 1)) == {"ack": [1, 1]}
    assert "Traceback" not in agent.output()


def test_what_was_acked_over_a_cable_survives_kill_9(
    wired: CableBoard, agent, launch, tmp_path: Path, press
) -> None:
    assert wired.report(press(1, 1)) == {"ack": [1, 1]}
    agent.send(signal.SIGKILL)
    agent.wait()
    with Store.open(tmp_path / "thingwarden.db") as store:
        assert [event.seq for event in store.events()] == [1]
    launch().started()
    wired.cable.wait_for(b"~?")
    assert wired.report(press(1, 1), press(1, 2)) == {"ack": [1, 2]}


def test_sigterm_lets_go_of_the_port(wired: CableBoard, agent) -> None:
    wired.report()
    assert agent.stop() == 0
    assert "Traceback" not in agent.output()
