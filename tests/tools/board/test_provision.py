"""What a board gets besides the firmware: from the store, boards/NAME.toml, and a person."""

import base64
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from host_agent.guardiankey import Account
from host_agent.store import Store
from tests.at_terminal import ROOT, AtTerminal
from tests.certificates import Authority

PROGRAM = Path(__file__).with_name("provisioning.py")
PASSWORD = "correct horse"
WIFI = '[wifi]\nssid = "home"\n'
ADDRESS = 'agent = "http://192.168.1.10:8710"\n'
ACCOUNT_KEY, ACCOUNT_IV = bytes(range(32)), bytes(range(16))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with agent.toml, a device `front-door`, and an empty boards/."""
    (tmp_path / "agent.toml").write_text('[link]\nlisten = "0.0.0.0:8799"\n')
    (tmp_path / "boards").mkdir()
    with Store.open(tmp_path / "thingwarden.db") as store:
        store.add_device("front-door", "Lock", "")
    return tmp_path


@pytest.fixture
def board_toml(place: Path) -> Callable[[str], Path]:
    def board_toml(text: str, mode: int = 0o600) -> Path:
        path = place / "boards/front-door.toml"
        path.write_text(text)
        path.chmod(mode)
        return path

    return board_toml


def key(place: Path, name: str = "front-door") -> str:
    with Store.open(place / "thingwarden.db") as store:
        device = store.device(name)
    assert device
    return base64.b64encode(device.key).decode()


class Provided:
    """The outcome of the program without a terminal."""

    def __init__(self, place: Path, name: str = "front-door", **environment: str) -> None:
        out = place / "out.json"
        done = subprocess.run(
            [sys.executable, PROGRAM, name, out],
            cwd=place,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.code, self.told = done.returncode, done.stdout + done.stderr
        made = json.loads(out.read_text()) if out.exists() else {}
        self.config: dict[str, Any] = made.get("config", {})
        self.extra: dict[str, str] = made.get("extra", {})
        assert "Traceback" not in self.told
        for secret in (key(place), PASSWORD, base64.b64encode(ACCOUNT_KEY).decode()):
            assert secret not in self.told


def test_the_file_and_the_store_make_the_config(place: Path, board_toml: Any) -> None:
    board_toml(
        f'{ADDRESS}poll_s = 9\n{WIFI}password = "{PASSWORD}"\n'
        '[[inputs]]\nkind = "button"\nname = "bell"\npin = 14\n'
    )
    provided = Provided(place)
    assert provided.code == 0, provided.told
    assert provided.config == {
        "device": "front-door",
        "key": key(place),
        "boot_floor": 0,
        "agent": "http://192.168.1.10:8710",
        "poll_s": 9,
        "wifi": {"ssid": "home", "password": PASSWORD},
        "inputs": [{"kind": "button", "name": "bell", "pin": 14}],
    }
    assert provided.extra == {}


def test_the_environment_gives_the_password(place: Path, board_toml: Any) -> None:
    board_toml(ADDRESS + WIFI)
    provided = Provided(place, THINGWARDEN_WIFI_PASSWORD=PASSWORD)
    assert provided.code == 0, provided.told
    assert provided.config["wifi"] == {"ssid": "home", "password": PASSWORD}


def test_a_cable_needs_no_wifi(place: Path, board_toml: Any) -> None:
    board_toml('agent = "serial"\n')
    provided = Provided(place, THINGWARDEN_WIFI_PASSWORD=PASSWORD)
    assert provided.code == 0, provided.told
    assert provided.config["agent"] == "serial" and "wifi" not in provided.config


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "there is no boards/front-door.toml: write one with agent ="),
        (ADDRESS + WIFI, "boards/front-door.toml: wifi.password is missing"),
        (ADDRESS + "pol_s = 5\n", "boards/front-door.toml: unknown field pol_s; known are"),
        ("", "boards/front-door.toml: agent: a text of 1 to 256 characters"),
        (ADDRESS + 'key = "x"\n', "front-door.toml: key does not belong there: the store has it"),
        (f'wifi = "{PASSWORD}\n', "boards/front-door.toml is not TOML (at line 1, column "),
        (ADDRESS + "poll_s = 2026-01-01\n", "front-door.toml: dates and times have no place"),
        (ADDRESS + "[guardiankey]\n", "[guardiankey] needs an account: name its file under"),
        (ADDRESS + "guardiankey = 1\n", "guardiankey must be a table"),
        ("\udcff", "boards/front-door.toml is not UTF-8 text: byte 0 is wrong"),
    ],
    ids=["file", "password", "unknown", "agent", "key", "toml", "date", "account", "table", "utf8"],
)
def test_what_is_wrong_is_told_with_the_file(place: Path, text: str | None, told: str) -> None:
    if text is not None:
        content = text.encode("utf-8", "surrogateescape")
        (place / "boards/front-door.toml").write_bytes(content)
    provided = Provided(place)
    assert provided.code == 1 and told in provided.told


def test_a_device_that_was_never_added_is_told_first(place: Path) -> None:
    provided = Provided(place, "../agent")
    assert provided.code == 1 and "../agent" in provided.told and "boards" not in provided.told


def test_a_file_that_others_can_read_is_warned_of(place: Path, board_toml: Any) -> None:
    board_toml(f'{ADDRESS}{WIFI}password = "{PASSWORD}"\n', 0o644)
    provided = Provided(place)
    assert provided.code == 0
    assert "others can read it: chmod 600 boards/front-door.toml" in provided.told


class TestModules:
    """Functions of the owner's modules, in files beside boards/NAME.toml."""

    COMMANDS = '[commands]\npower = { pin = 26 }\nblink = { module = "garden" }\n'

    def test_a_file_beside_it_is_the_module(self, place: Path, board_toml: Any) -> None:
        (place / "boards/garden.py").write_text("def blink(value): ...")
        board_toml(ADDRESS + self.COMMANDS)
        provided = Provided(place)
        assert provided.code == 0, provided.told
        assert provided.config["commands"]["blink"] == {"module": "garden"}
        assert "'garden': PosixPath('boards/garden.py')" in provided.told

    @pytest.mark.parametrize(
        ("commands", "told"),
        [
            (COMMANDS, "commands.blink.module: there is no boards/garden.py; write it"),
            ('[commands.blink]\nmodule = "warden"', "commands.blink.module: warden is a name of"),
            ('[commands.blink]\nmodule = "../x"', "commands.blink.module: letters, digits and _"),
            ('[commands.blink]\nmodule = "a"\npin = 2', "commands.blink: unknown field pin"),
        ],
        ids=["absent", "ours", "path", "pin"],
    )
    def test_a_wrong_one_is_told(
        self, place: Path, board_toml: Any, commands: str, told: str
    ) -> None:
        board_toml(f"{ADDRESS}{commands}\n")
        provided = Provided(place)
        assert provided.code == 1 and f"boards/front-door.toml: {told}" in provided.told


class TestAccount:
    """A door: its ids and keys come from the account that agent.toml names."""

    @pytest.fixture
    def door(self, place: Path) -> Path:
        Account(
            agent_id="agent",
            organization_id="org",
            auth_group_id="group",
            key=ACCOUNT_KEY,
            iv=ACCOUNT_IV,
        ).save(place / "guardiankey.toml")
        with (place / "agent.toml").open("a") as file:
            file.write('[guardiankey]\naccount = "guardiankey.toml"\n')
        return place

    def test_is_joined_with_what_the_file_says(self, door: Path, board_toml: Any) -> None:
        board_toml(f'{ADDRESS}[guardiankey]\nservice = "gate"\n')
        assert Provided(door).config["guardiankey"] == {
            "route": "relay",
            "agent_id": "agent-front-door",
            "organization_id": "org",
            "auth_group_id": "group",
            "key": base64.b64encode(ACCOUNT_KEY).decode(),
            "iv": base64.b64encode(ACCOUNT_IV).decode(),
            "service": "gate",
        }

    def test_is_not_in_the_file(self, door: Path, board_toml: Any) -> None:
        board_toml(f'{ADDRESS}[guardiankey]\niv = "AAAA"\n')
        assert "guardiankey.iv does not belong there" in Provided(door).told

    @pytest.mark.parametrize("form", ["pem", "der"])
    def test_a_ca_travels_as_der(self, door: Path, board_toml: Any, form: str) -> None:
        authority = Authority(door / "boards")
        name = authority.pem.name
        if form == "der":
            name = "authority.der"
            (door / "boards" / name).write_bytes(authority.der)
        board_toml(f'{ADDRESS}[guardiankey]\nroute = "rest"\nca = "{name}"\n')
        provided = Provided(door)
        assert provided.code == 0, provided.told
        assert provided.config["guardiankey"]["ca"] == "ca.der"
        assert base64.b64decode(provided.extra["ca.der"]) == authority.der

    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ("", "guardiankey.ca is missing: by route rest"),
            ('ca = "none.pem"', "none.pem cannot be read: No such file"),
            ('ca = "wrong.pem"', "wrong.pem is no certificate in PEM or DER"),
            ('ca = "two.pem"', "two.pem holds 2 certificates"),
            ('ca = "nul\\u0000"', "cannot be read: no such name can be"),
        ],
        ids=["missing", "absent", "garbage", "two", "nul"],
    )
    def test_a_wrong_ca_is_told(self, door: Path, board_toml: Any, line: str, told: str) -> None:
        pem = Authority(door / "boards").pem.read_text()
        (door / "boards/two.pem").write_text(pem + pem)
        (door / "boards/wrong.pem").write_text("not a certificate")
        board_toml(f'{ADDRESS}[guardiankey]\nroute = "rest"\n{line}\n')
        assert told in Provided(door).told


class TestQuestions:
    """At a terminal what is missing is asked for."""

    @pytest.fixture
    def asked(self, place: Path) -> Callable[..., AtTerminal]:
        def asked(**environment: str) -> AtTerminal:
            return AtTerminal([PROGRAM, "front-door", place / "out.json"], place, **environment)

        return asked

    def test_once_and_the_next_flash_asks_nothing(self, place: Path, asked: Any) -> None:
        with asked() as person:
            person.wait_for("Where does the board report to?")
            person.wait_for(":8799")
            person.answer("A number, or", "nonsense")
            person.answer("A number, or", "http://192.168.1.10:8710/")
            person.answer("Wi-Fi name: ", "")
            person.answer("Wi-Fi password", PASSWORD)
            person.answer("Wi-Fi name: ", 'H"ome')
            person.answer("Wi-Fi password", PASSWORD)
            person.answer("button between pin 14 and GND? [Y/n]: ", "")
            assert person.end() == 0, person.shown
        assert 'agent: an address like http://192.168.1.10:8710, or "serial"' in person.shown
        assert "wifi.ssid: a text of 1 to 32 characters" in person.shown
        assert PASSWORD not in person.shown and key(place) not in person.shown
        made = place / "boards/front-door.toml"
        assert stat.S_IMODE(made.stat().st_mode) == 0o600
        first = json.loads((place / "out.json").read_text())["config"]
        assert first["wifi"] == {"ssid": 'H"ome', "password": PASSWORD}
        assert first["inputs"][0]["pin"] == 14
        again = Provided(place)
        assert again.code == 0 and again.config == first

    def test_a_board_on_a_cable_is_asked_no_wifi(self, place: Path, asked: Any) -> None:
        with asked() as person:
            person.wait_for("serial   ")
            person.answer("A number, or", "serial")
            person.answer("GND?", "n")
            assert person.end() == 0, person.shown
        assert "Wi-Fi name" not in person.shown
        assert "inputs" not in Provided(place).config

    def test_this_machine_is_the_default(self, place: Path, asked: Any) -> None:
        with asked(THINGWARDEN_WIFI_PASSWORD=PASSWORD) as person:
            person.wait_for("  1  ")
            person.answer("[1]: ", "")
            if "  2  " in person.shown.partition("  1  ")[2]:
                person.answer("Wi-Fi name: ", "home")
            person.answer("GND?", "n")
            assert person.end() == 0, person.shown
        first = person.shown.partition("  1  ")[2].split()[0]
        assert Provided(place).config["agent"] == first

    @pytest.mark.parametrize("keep", ["y", "n"])
    def test_a_missing_password_is_kept_only_if_the_person_says_so(
        self, place: Path, board_toml: Any, asked: Any, keep: str
    ) -> None:
        made = board_toml(f"# mine\n{ADDRESS}{WIFI}# the end\n")
        with asked() as person:
            person.answer("Wi-Fi password of home", PASSWORD)
            person.answer("Keep it in boards/front-door.toml? [y/N]: ", keep)
            assert person.end() == 0, person.shown
        assert PASSWORD not in person.shown
        config = json.loads((place / "out.json").read_text())["config"]
        assert config["wifi"]["password"] == PASSWORD
        written = f'[wifi]\npassword = "{PASSWORD}"\nssid' if keep == "y" else "[wifi]\nssid"
        assert made.read_text() == f"# mine\n{ADDRESS}{WIFI}# the end\n".replace(
            "[wifi]\nssid", written
        )

    def test_answers_that_end_early_write_nothing(self, place: Path, asked: Any) -> None:
        with asked() as person:
            person.answer("A number, or", "\x04")
            person.answer("", "\x04")
            assert person.end() == 1
        assert "the answers ended early; nothing was written" in person.shown
        assert list((place / "boards").iterdir()) == []
