"""Who has a serial port, between processes; the agent's side is played here."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from host_agent import serial_leases
from host_agent.serial_leases import (
    SerialLeaseError,
    borrow,
    grant,
    granted_until,
    is_lent,
    opening,
    revoke,
)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "thingwarden.db"


@pytest.fixture
def port(tmp_path: Path) -> str:
    (tmp_path / "ttyUSB0").touch()
    return str(tmp_path / "ttyUSB0")


def soon() -> int:
    return int(time.time() * 1000) + 60_000


def test_a_borrowed_port_is_not_the_agents(store: Path, port: str) -> None:
    with borrow(store, port):
        assert is_lent(store, port)
        with opening(store, port) as mine:
            assert not mine
    assert not is_lent(store, port)
    with opening(store, port) as mine:
        assert mine


@pytest.mark.parametrize("reverse", [False, True], ids=["to-link", "by-link"])
def test_a_port_is_known_by_all_its_names(
    store: Path, port: str, tmp_path: Path, reverse: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "front-door"
    link.symlink_to(port)
    monkeypatch.chdir(tmp_path)
    names = [str(link), port, "ttyUSB0"]
    for name in names:
        other = port if reverse else str(link)
        with borrow(store, name):
            assert is_lent(store, other)
        grant(store, name, soon())
        assert granted_until(store, other)
        revoke(store, name)
        assert not is_lent(store, other)


def test_a_borrowed_name_stays_so_when_its_device_changes(
    store: Path, port: str, tmp_path: Path
) -> None:
    link = tmp_path / "front-door"
    link.symlink_to(port)
    with borrow(store, str(link)):
        link.unlink()
        assert is_lent(store, str(link))
        link.symlink_to("ttyUSB1")
        assert is_lent(store, str(link))
        assert not is_lent(store, str(tmp_path / "ttyUSB1"))


def test_a_serial_server_is_known_by_its_url(store: Path) -> None:
    with borrow(store, "socket://server:4000"):
        assert is_lent(store, "socket://server:4000")
        assert not is_lent(store, "socket://server:4001")


def test_ports_and_stores_do_not_mix(store: Path, port: str) -> None:
    with borrow(store, port):
        assert not is_lent(store, port + "1")
        assert not is_lent(store.with_name("other.db"), port)


def test_a_link_to_the_store_is_the_store(store: Path, port: str) -> None:
    store.touch()
    link = store.with_name("link.db")
    link.symlink_to(store)
    with borrow(link, port):
        assert is_lent(store, port)


def test_a_second_borrower_is_told(store: Path, port: str) -> None:
    with (
        borrow(store, port),
        pytest.raises(SerialLeaseError, match="borrowed by another program"),
        borrow(store, port),
    ):
        pass


@pytest.mark.parametrize("how", ["borrow", "grant"])
def test_it_waits_until_the_agent_has_let_go(store: Path, port: str, how: str) -> None:
    """The agent notices that the port is wanted, closes it, and only then it is had."""
    let_go_at: list[float] = []

    def agent() -> None:
        with opening(store, port) as mine:
            assert mine
            holds.set()
            while not is_lent(store, port):
                time.sleep(0.01)
            time.sleep(0.2)
            let_go_at.append(time.monotonic())

    holds = threading.Event()
    thread = threading.Thread(target=agent)
    thread.start()
    assert holds.wait(60)
    if how == "grant":
        grant(store, port, soon())
        assert let_go_at and time.monotonic() >= let_go_at[0]
    else:
        with borrow(store, port):
            assert let_go_at and time.monotonic() >= let_go_at[0]
    thread.join()


def test_an_agent_that_does_not_let_go_is_told(
    store: Path, port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serial_leases, "AGENT_LETS_GO_S", 0.2)
    with (
        opening(store, port),
        pytest.raises(SerialLeaseError, match="does not let go"),
        borrow(store, port),
    ):
        pass
    assert not is_lent(store, port)


def test_a_grant_ends_by_itself(store: Path, port: str) -> None:
    grant(store, port, soon())
    assert is_lent(store, port)
    grant(store, port, int(time.time() * 1000) - 1)
    assert not is_lent(store, port)
    assert granted_until(store, port) is None
    revoke(store, port)
    revoke(store, port)


def test_no_grant_lasts_for_ever(store: Path, port: str) -> None:
    grant(store, port, 10**100)
    assert not is_lent(store, port)
    assert granted_until(store, port) is None


def test_many_may_grant_a_port_at_a_time(store: Path, port: str) -> None:
    script = (
        "import sys, time; from pathlib import Path; from host_agent.serial_leases import grant\n"
        "for _ in range(200): grant(Path(sys.argv[1]), sys.argv[2], int(time.time() + 60) * 1000)\n"
    )
    command = [sys.executable, "-c", script, str(store), port]
    granting = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(60) for process in granting] == [0, 0]
    assert is_lent(store, port)


def test_the_files_are_private(store: Path, port: str) -> None:
    with borrow(store, port):
        directory = store.with_name("thingwarden.db.serial")
        assert directory.stat().st_mode & 0o777 == 0o700


def test_what_root_borrows_stays_usable_to_the_agents_user(store: Path, port: str) -> None:
    owner = 12345 if os.geteuid() == 0 else os.geteuid()
    os.chown(store.parent, owner, -1)
    with borrow(store, port):
        pass
    grant(store, port, soon())
    directory = store.with_name("thingwarden.db.serial")
    made = [directory, *directory.iterdir()]
    assert len(made) == 4
    assert {path.stat().st_uid for path in made} == {owner}


def test_a_directory_that_cannot_be_made_is_told(store: Path, port: str) -> None:
    store.with_name("thingwarden.db.serial").touch()
    with pytest.raises(SerialLeaseError, match=r"thingwarden\.db\.serial.* cannot be used"):
        is_lent(store, port)
    with pytest.raises(SerialLeaseError), borrow(store.parent / "missing" / "x.db", port):
        pass


def test_a_long_or_odd_name_has_a_file_too(store: Path) -> None:
    port = "/dev/" + "\u00fc" * 200 + "/" + os.fsdecode(b"\xff") * 100
    with borrow(store, port):
        assert is_lent(store, port)
