"""`tools.board doctor`: what is wrong with a board, in plain words, on a simulated one."""

import base64
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from host_agent.store import Store
from tools.board import build, doctor
from tools.simulator import UsbBoard

PASSWORD = "correct horse"
BELL, PROBE = 14, 34
FIREWALL = """
import usocket
from usocket import *

class socket(usocket.socket):
    def connect(self, place):
        if place[2] << 8 | place[3] == %d:
            raise OSError(113)
        super().connect(place)
"""
"""In place of MicroPython's `socket`: that port is out of reach for the board, not for us."""

DRIVERS = {
    "onewire.py": "class OneWire:\n    def __init__(self, pin):\n        pass\n",
    "ds18x20.py": """
class DS18X20:
    def __init__(self, bus):
        pass
    def scan(self):
        return []
""",
    "dht.py": """
class DHT22:
    def __init__(self, pin):
        pass
    def measure(self):
        raise OSError(116)
""",
}
"""Of sensors that nobody has wired, in place of the simulated ones."""

GARDEN = """
from machine import Pin
lamp = Pin(27, Pin.OUT)
def blink(value):
    print("blinking")
def soil_dry(value):
    print("measuring")
"""

CHATTER = """
import _thread, sys, time
def blink(value):
    pass
def chatter():
    while "garden" not in sys.modules:
        time.sleep_ms(10)
    print("\\x04")
def start(report):
    _thread.start_new_thread(chatter, ())
"""
"""Disturbs the prompt while garden begins."""


class Ward:
    """A board with the firmware in slot a, an agent's store that knows it, and a port that listens
    like the agent's."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.root = place / "board"
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.agent_toml = place / "agent.toml"
        self.agent_toml.write_text(f'[link]\nlisten = "127.0.0.1:{self.port}"\n')
        with Store.open(place / "thingwarden.db") as store:
            store.add_device("front-door", "Lock", "")
            device = store.device("front-door")
        assert device
        self.config: dict[str, Any] = {
            "device": "front-door",
            "key": base64.b64encode(device.key).decode(),
            "agent": f"http://127.0.0.1:{self.port}",
            "wifi": {"ssid": "home", "password": PASSWORD},
            "inputs": [
                {"kind": "button", "name": "bell", "pin": BELL, "pull": "up"},
                {"kind": "analog", "name": "probe", "pin": PROBE},
            ],
        }
        for name, content in build.compiled("x64").items():
            path = self.root / "a" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        (self.root / "main.py").write_bytes(build.main_program())
        (self.root / "slot").write_text("a")

    def examine(
        self,
        device: str | None = None,
        millivolts: int = 712,
    ) -> tuple[bool, dict[str, tuple[str, str]]]:
        """(healthy, about -> (level, text))."""
        config = self.root / "a/config.json"
        config.write_text(json.dumps(self.config))
        told: list[str] = []
        with UsbBoard(self.root, millivolts={PROBE: millivolts}) as board:
            board.wait_for(r"^(boot \d|config\.json:|Traceback)")
            said = len(board.lines)
            healthy = doctor.examine(str(board.port), device, self.agent_toml, told.append)
            board.wait_for(r"^(boot \d|config\.json:|Traceback)", since=said)
        for secret in (PASSWORD, self.config["key"]):
            assert secret not in "\n".join(told + board.lines)
        return healthy, {line[6:16].strip(): (line[:4].strip(), line[18:]) for line in told}


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    ward = Ward(tmp_path)
    with ward.listener:
        yield ward


def test_a_healthy_board_is_told_so_and_goes_on(ward: Ward) -> None:
    healthy, found = ward.examine(device="front-door")
    assert healthy
    assert {about: level for about, (level, _) in found.items()} == dict.fromkeys(
        [
            *("port", "system", "firmware", "memory", "flash", "config", "device"),
            *(f"pin {BELL}", f"pin {PROBE}", "wifi", "agent", "clock"),
        ],
        "ok",
    )
    assert found[f"pin {PROBE}"][1] == "probe: reads 712 mV"
    assert found["wifi"][1] == "home at -55 dBm, the board has 127.0.0.1"


def test_wiring_that_looks_wrong_is_told_with_the_wires(ward: Ward) -> None:
    healthy, found = ward.examine(millivolts=0)
    assert healthy
    assert found[f"pin {PROBE}"] == (
        "warn",
        "probe: reads 0 mV, the lower end: is the sensor connected and has it power?",
    )
    ward.config["inputs"][0] |= {"active": "high"}
    _, found = ward.examine()
    assert found[f"pin {BELL}"][0] == "warn"
    assert "wire it between pin 14 and 3V3" in found[f"pin {BELL}"][1]


def test_sensors_are_asked(ward: Ward) -> None:
    ward.config["inputs"] = [
        {"kind": "ds18x20", "name": "freezer", "pin": 4},
        {"kind": "dht22", "name": "room", "pin": 16},
        {"kind": "bme280", "name": "roof", "sda": 21, "scl": 22},
    ]
    _, found = ward.examine()
    assert found["pin 4"][0] == "ok" and "freezer: DS18x20 on the bus: 28" in found["pin 4"][1]
    assert found["pin 16"] == ("ok", "room: 20.0 degrees Celsius, 50.0 % humidity")
    assert found["pin 22"] == ("ok", "roof: answers at 0x76")


def test_sensors_that_do_not_answer_are_told_with_their_wires(ward: Ward) -> None:
    ward.config["inputs"] = [
        {"kind": "ds18x20", "name": "freezer", "pin": 4},
        {"kind": "dht22", "name": "room", "pin": 16},
        {"kind": "bme280", "name": "roof", "sda": 21, "scl": 22, "address": "0x77"},
    ]
    for name, driver in DRIVERS.items():
        (ward.root / name).write_text(driver)
    healthy, found = ward.examine()
    assert not healthy
    assert found["pin 4"][0] == "bad" and "data to pin 4 with 4.7 kOhm" in found["pin 4"][1]
    assert found["pin 16"][0] == "bad" and "data to pin 16 with 10 kOhm" in found["pin 16"][1]
    assert found["pin 22"] == (
        "bad",
        "roof: none answers at 0x77, but 0x76: SCL to pin 22, SDA to pin 21, VIN to 3V3, GND to"
        " GND",
    )


def test_a_key_that_is_not_the_stores_is_told_without_showing_it(ward: Ward) -> None:
    ward.config["key"] = base64.b64encode(bytes(32)).decode()
    healthy, found = ward.examine()
    assert not healthy
    assert found["device"][0] == "bad" and "another key in the store" in found["device"][1]


@pytest.mark.parametrize(
    ("next_key", "level", "told"),
    [(True, "ok", "has its next key"), (False, "warn", "still has its old key")],
    ids=["next", "old"],
)
def test_a_rotated_key_is_known(ward: Ward, next_key: bool, level: str, told: str) -> None:
    with Store.open(ward.place / "thingwarden.db") as store:
        store.rotate_device("front-door")
        device = store.device("front-door")
    assert device and device.next_key
    if next_key:
        ward.config["key"] = base64.b64encode(device.next_key).decode()
    _, found = ward.examine()
    assert found["device"][0] == level and told in found["device"][1]


@pytest.mark.parametrize(
    ("device", "wanted", "told"),
    [("stranger", None, "does not know stranger"), ("front-door", "gate", "is front-door, not")],
    ids=["unknown", "other"],
)
def test_a_board_that_is_another_device(
    ward: Ward, device: str, wanted: str | None, told: str
) -> None:
    ward.config["device"] = device
    healthy, found = ward.examine(device=wanted)
    assert not healthy and told in found["device"][1]


def test_a_wrong_config_is_told_as_the_board_tells_it(ward: Ward) -> None:
    ward.config["poll_s"] = 0
    healthy, found = ward.examine()
    assert not healthy
    assert found["config"][1].startswith("poll_s: a whole number from 1 to 3600; mend boards/")
    assert "device" not in found


def test_modules_that_differ_or_lack_are_told(ward: Ward) -> None:
    (ward.root / "a/warden/rtc.mpy").write_bytes(b"M\x06")
    _, found = ward.examine()
    assert found["firmware"][0] == "warn" and "rtc.mpy" in found["firmware"][1]
    (ward.root / "a/warden/rtc.mpy").unlink()
    healthy, found = ward.examine()
    assert not healthy
    assert found["firmware"] == (
        "bad",
        "slot a lacks rtc.mpy; run `python -m tools.board flash`",
    )


@pytest.mark.parametrize(
    ("source", "level", "told"),
    [
        (GARDEN, "ok", "garden: has what is called by blink, soil-dry"),
        (
            GARDEN + "lamp.glow()\n",
            "bad",
            "blink, soil-dry: garden: 'Pin' object has no attribute 'glow'"
            " (a/garden.py, line 8); mend boards/garden.py, then flash",
        ),
        (
            GARDEN.replace("soil_dry", "soil"),
            "bad",
            "soil-dry: garden has no plain function soil_dry; mend boards/garden.py, then flash",
        ),
        (
            GARDEN + "while True:\n    pass\n",
            "bad",
            "garden: its import or `start` does not come to an end, or disturbs the prompt; mend"
            " boards/garden.py, then flash",
        ),
    ],
    ids=["whole", "import", "function", "endless"],
)
def test_a_module_of_the_owners_is_tried_on_the_board(
    ward: Ward, source: str, level: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.board.user_modules.START_S", 1)
    ward.config["commands"] = {name: {"module": "garden"} for name in ["blink", "soil-dry"]}
    (ward.root / "a/garden.py").write_text(source)
    healthy, found = ward.examine()
    assert found["module"] == (level, told)
    assert healthy == (level == "ok")


def test_a_module_is_not_blamed_for_what_another_one_began(ward: Ward) -> None:
    ward.config["commands"] = {"blink": {"module": "chatter"}, "soil-dry": {"module": "garden"}}
    (ward.root / "a/chatter.py").write_text(CHATTER)
    (ward.root / "a/garden.py").write_text(GARDEN + "import time\ntime.sleep_ms(300)\n")
    _, found = ward.examine()  # garden's comes last
    assert found["module"] == ("ok", "garden: has what is called by soil-dry")


def test_an_agent_that_does_not_run_is_told(ward: Ward) -> None:
    ward.listener.close()
    healthy, found = ward.examine()
    assert not healthy
    assert found["agent"][1] == (
        f"nothing listens at http://127.0.0.1:{ward.port}: start the agent (`make run`)"
    )


def test_an_agent_at_another_address_is_told(ward: Ward) -> None:
    ward.config["agent"] = f"http://127.0.0.9:{ward.port}"
    healthy, found = ward.examine()
    assert not healthy
    assert "the agent runs here, but not at http://127.0.0.9" in found["agent"][1]


def test_a_firewall_is_told_from_an_agent_that_does_not_run(ward: Ward) -> None:
    (ward.root / "socket.py").write_text(FIREWALL % ward.port)
    healthy, found = ward.examine()
    assert not healthy
    assert found["agent"][1].startswith("this machine reaches http://127.0.0.1")
    assert f"sudo ufw allow {ward.port}/tcp" in found["agent"][1]


def test_a_board_on_the_serial_link_needs_its_port_in_the_settings(ward: Ward) -> None:
    ward.config["agent"] = "serial"
    del ward.config["wifi"]
    healthy, found = ward.examine()
    assert not healthy and "wifi" not in found
    assert f'[serial] ports = ["{ward.root}.tty"]' in found["agent"][1]
    with ward.agent_toml.open("a") as file:
        file.write(f'[serial]\nports = ["{ward.place}/*.tty"]\n')
    healthy, found = ward.examine()
    assert healthy, found


def test_a_bare_board_needs_a_flash(tmp_path: Path) -> None:
    told: list[str] = []
    (tmp_path / "agent.toml").touch()
    with UsbBoard(tmp_path / "board") as board:
        assert not doctor.examine(str(board.port), None, tmp_path / "agent.toml", told.append)
    assert "python -m tools.board flash" in "\n".join(told)


def test_a_port_that_is_none_is_one_line(tmp_path: Path) -> None:
    told: list[str] = []
    (tmp_path / "agent.toml").touch()
    assert not doctor.examine("/dev/none", None, tmp_path / "agent.toml", told.append)
    assert len(told) == 1 and told[0].startswith("bad   port        there is no port /dev/none")
