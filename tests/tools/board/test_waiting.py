"""Why no report came, in plain words."""

import asyncio
import dataclasses
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_agent.config import Settings, load_settings
from host_agent.store import Device, Report, Store
from tests.tools.board.bare_board import BareBoard
from tools.board.connection import connect
from tools.board.errors import BoardError
from tools.board.waiting import BoardConsole, Wait
from tools.server_process import free_port

WIFI = {"ssid": "home", "password": "correct horse"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "thingwarden.db") as store:
        yield store


@pytest.fixture
def listener() -> Iterator[str]:
    """What listens like an agent would."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def settings(tmp_path: Path, listen: str, ports: str = "[]") -> Settings:
    path = tmp_path / "agent.toml"
    path.write_text(f'[link]\nlisten = "{listen}"\n[serial]\nports = {ports}\n')
    return load_settings(path)


def reason(wait: Wait, said: str, tmp_path: Path) -> str:
    """What is told after a board has said that."""
    (tmp_path / "board").mkdir()
    (tmp_path / "board/main.py").write_text(f"print({said!r})\n")
    heard: list[str] = []
    with BareBoard(tmp_path / "board") as board, connect(board.port) as prompt:
        prompt.reset()
        console = BoardConsole(prompt, heard.append)
        with pytest.raises(BoardError) as caught:
            wait.report(console, 1.5)
    assert said.splitlines()[-1] in heard
    assert not any(line.startswith("~") for line in heard)
    assert "correct horse" not in str(caught.value)
    return str(caught.value)


def new(store: Store) -> Device:
    return store.add_device("front-door", "Lock")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("ThingWarden 1\n~3:abc\nconfig.json: poll_s: too long", "does not accept its settings"),
        ("agent: it does not know this device, or the key differs", "does not know it; is that"),
        ("boot 1, 0 events waiting", "does not get into the Wi-Fi home"),
        ("wifi: connected as 10.0.0.9", "this machine's firewall"),
    ],
    ids=["settings", "stranger", "no Wi-Fi", "firewall"],
)
def test_what_the_board_says(
    store: Store, listener: str, tmp_path: Path, said: str, told: str
) -> None:
    config = {"agent": f"http://{listener}", "wifi": WIFI}
    wait = Wait(store, new(store), settings(tmp_path, listener), config, "/dev/ttyUSB0")
    message = reason(wait, said, tmp_path)
    assert told in message and "flashed, but no report of front-door came in 1.5 s" in message


@pytest.mark.parametrize(
    ("port", "told"),
    [
        (None, "does not look at this port"),
        ("dev/ttyUSB1", "does not look at this port"),
        ("*", "does not look at this port"),
        ("dev/ttyUSB*", "look into its log"),
        ("dev/ttyUSB0", "look into its log"),
        ("dev/by-id/usb-*", "look into its log"),
    ],
    ids=["none", "another", "a directory above", "pattern", "name", "link"],
)
def test_the_agent_and_the_port(
    store: Store, listener: str, tmp_path: Path, port: str | None, told: str
) -> None:
    (tmp_path / "dev/by-id").mkdir(parents=True)
    (tmp_path / "dev/ttyUSB0").touch()
    (tmp_path / "dev/by-id/usb-board").symlink_to("../ttyUSB0")
    settled = settings(tmp_path, listener, f'["{tmp_path / port}"]' if port else "[]")
    config = {"agent": "serial"}
    wait = Wait(store, new(store), settled, config, str(tmp_path / "dev/ttyUSB0"))
    with pytest.raises(BoardError, match=told):
        wait.report(None, 0.1)


def test_a_name_that_cannot_be_one(store: Store, listener: str, tmp_path: Path) -> None:
    config = {"agent": "http://laptop..local:8710", "wifi": WIFI}
    wait = Wait(store, new(store), settings(tmp_path, listener), config, "/dev/ttyUSB0")
    with pytest.raises(BoardError, match=r"nobody listens at laptop\.\.local:8710"):
        wait.report(None, 0.1)


def test_no_agent_runs(store: Store, tmp_path: Path) -> None:
    settled = settings(tmp_path, f"0.0.0.0:{free_port()}", '["/dev/ttyUSB0"]')
    wait = Wait(store, new(store), settled, {"agent": "serial"}, "/dev/ttyUSB0")
    with pytest.raises(BoardError, match="no agent runs here"):
        wait.report(None, 0.1)


def test_a_report_of_a_later_boot_is_what_counts(store: Store, tmp_path: Path) -> None:
    before = new(store)
    wait = Wait(store, before, settings(tmp_path, "127.0.0.1:1"), {"agent": "serial"}, "/dev/x")
    report = Report(before.name, before.key, 1, 1, received_ms=1, health={"heap": 90_000})
    asyncio.run(store.accept(report))
    assert wait.report(None, 5).health == {"heap": 90_000}
    late = dataclasses.replace(wait, before=dataclasses.replace(before, boot=1))
    with pytest.raises(BoardError, match="no agent runs here"):
        late.report(None, 0.1)
