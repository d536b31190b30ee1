"""`thingwarden serial ...`, without an agent: nothing has to let go."""

import json
from pathlib import Path

import pytest

from host_agent.serial_leases import borrow, is_lent


@pytest.fixture
def ports(tmp_path: Path):
    """Writes agent.toml with these ports."""

    def write(*names: str) -> list[str]:
        ports = [name if "://" in name else str(tmp_path / name) for name in names]
        (tmp_path / "agent.toml").write_text(f"[serial]\nports = {json.dumps(ports)}\n")
        return ports

    return write


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "thingwarden.db"


def test_the_list_tells_what_is_there_and_what_is_lent(
    warden, ports, tmp_path: Path, store: Path
) -> None:
    for name in ("usb0", "usb1"):
        (tmp_path / name).touch()
    _, gone, server = ports("usb*", "gone", "socket://server:4000")
    usb0, usb1 = (str(tmp_path / name) for name in ("usb0", "usb1"))
    assert warden("serial", "release", usb1).code == 0
    with borrow(store, gone):
        rows = json.loads(warden("serial", "list", "--json").out)
        shown = warden("serial", "list").out
    facts = [(row["port"], row["there"], row["lent"], bool(row["until_ms"])) for row in rows]
    assert facts == [
        (usb0, True, False, False),
        (usb1, True, True, True),
        (gone, False, True, False),
        (server, None, False, False),
    ]
    assert "to a program" in shown
    assert "serial server" in shown


def test_names_that_nothing_can_have_are_listed(warden, ports, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    names = ports("x" * 300, "loop")
    rows = json.loads(warden("serial", "list", "--json").out)
    assert [(row["port"], row["there"]) for row in rows] == [(name, False) for name in names]


def test_the_only_port_needs_no_name(warden, ports, store: Path) -> None:
    (port,) = ports("usb0")
    outcome = warden("serial", "release", "--minutes", 1)
    assert outcome.code == 0
    assert f"{port} is free until " in outcome.out
    assert f"thingwarden serial resume {port}" in outcome.out
    assert is_lent(store, port)
    outcome = warden("serial", "resume")
    assert outcome.code == 0
    assert not is_lent(store, port)


def test_one_of_several_must_be_named_by_any_of_its_names(
    warden, ports, tmp_path: Path, store: Path
) -> None:
    first, second = ports("usb0", "usb1")
    (tmp_path / "link").symlink_to(second)
    outcome = warden("serial", "release")
    assert outcome.code == 2
    assert f"name one of the ports {first}, {second}" in outcome.err
    assert warden("serial", "release", tmp_path / "link").code == 0
    assert (is_lent(store, first), is_lent(store, second)) == (False, True)


@pytest.mark.parametrize("command", ["release", "resume"])
def test_a_port_that_the_agent_does_not_use_is_told(warden, ports, command: str) -> None:
    ports()
    outcome = warden("serial", command)
    assert outcome.code == 2
    assert "the agent has no serial port" in outcome.err
    ports("usb0")
    outcome = warden("serial", command, "/dev/ttyUSB7")
    assert outcome.code == 2
    assert "/dev/ttyUSB7 is none of the agent's" in outcome.err


@pytest.mark.parametrize("minutes", ["0", "-1", "1441", "soon"])
def test_a_time_that_is_none_is_told(warden, ports, store: Path, minutes: str) -> None:
    (port,) = ports("usb0")
    assert warden("serial", "release", "--minutes", minutes).code == 2
    assert not is_lent(store, port)
