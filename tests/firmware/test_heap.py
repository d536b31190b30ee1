"""What is left of 160 KB, but for what stands in for a board's hardware and its drivers, which are
in flash there. The heap of a board holds objects of half the size."""

import binascii
import gc
import json
import sys

STAND_INS = ("machine", "esp32", "network")
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
IV = "AAECAwQFBgcICQoLDA0ODw=="


def stand_ins(*names):
    """Loads them; how many bytes of the heap they take."""
    gc.collect()
    before = gc.mem_alloc()
    for name in names:
        __import__(name)
    gc.collect()
    return gc.mem_alloc() - before


def running(**sections):
    from warden import app

    whole = {
        "device": "front-door",
        "key": KEY,
        "agent": "http://127.0.0.1:1",
        "wifi": {"ssid": "home", "password": ""},
        "inputs": [{"kind": "button", "name": "button", "pin": 14, "pull": "up"}],
    }
    whole.update(sections)
    with open("config.json", "w") as file:
        json.dump(whole, file)
    board = app.App(app.load_settings())
    cabled = whole["agent"] == "serial"
    for rounds in range(8000):
        board.step()
        app.sleep_ms(5)
        # Over serial nobody answers, and nobody refuses.
        settled = board.session._tag if cabled else board.session._failures
        if settled and rounds >= 20:
            return board
    raise AssertionError("the first frame did not go out")


def test_a_board_without_a_door_has_room_to_spare():
    no_part = stand_ins(*STAND_INS)
    health = running().health()
    print(health, no_part)
    assert health["heap"] + no_part > 80 * 1024


def test_a_board_on_a_cable_has_more():
    no_part = stand_ins(*STAND_INS)
    board = running(agent="serial", wifi=None)
    health = board.health()
    print(health, no_part)
    assert health["failures"] == 0
    assert health["heap"] + no_part > 83 * 1024


def test_a_board_with_sensors_and_commands_has_room_to_spare():
    no_part = stand_ins("onewire", "ds18x20", "dht", *STAND_INS)
    board = running(
        inputs=[
            {"kind": "button", "name": "button", "pin": 14, "pull": "up"},
            {"kind": "ds18x20", "name": "cellar", "pin": 4},
            {"kind": "dht22", "name": "hall", "pin": 16},
        ],
        commands={"power": {"pin": 26}, "siren": {"pin": 27, "active": "low"}},
    )
    health = board.health()
    print(health, no_part)
    assert health["failures"] == 0 and health["missed"] == 0
    assert health["heap"] + no_part > 60 * 1024


def test_a_board_with_a_module_of_its_own_has_room_to_spare():
    no_part = stand_ins(*STAND_INS)
    with open("garden.py", "w") as file:
        file.write("def blink(value):\n    pass\n")
    sys.path.insert(0, "")
    board = running(commands={"power": {"pin": 26}, "blink": {"module": "garden"}})
    assert board.modules.call("blink", None) is None
    health = board.health()
    print(health, no_part)
    assert health["failures"] == 0 and health["missed"] == 0
    assert health["heap"] + no_part > 68 * 1024


def test_a_door_with_64_credentials_has_room_to_spare():
    no_part = stand_ins(*STAND_INS)
    account = {"agent_id": "a" * 40, "organization_id": "o" * 40, "auth_group_id": "g" * 40}
    board = running(
        guardiankey=dict(account, key=KEY, iv=IV),
        access={
            "keypad": {"rows": [13, 16, 17, 18], "columns": [19, 21, 22]},
            "lock": {"pin": 23},
        },
    )
    access = board.access.extras[0]
    for n in range(16):
        rows = []
        for i in range(n * 4, n * 4 + 4):
            digest = str(binascii.b2a_base64(bytes([i] * 16))[:-1], "ascii")
            rows.append(["user %02d" % i, "code", "user%02d@example.com" % i, digest])
        change = {"list": "00c0ffee", "salt": IV, "iterations": 1000, "from": n, "rev": n + 1}
        change.update({"set": rows, "unset": [], "lockdown": False, "more": n < 15})
        access.read({"access": change})
    rows = change = None
    gc.collect()
    health = board.health()
    print(health, no_part)
    assert health["failures"] == 0 and health["late"] == 0
    assert health["heap"] + no_part > 35 * 1024
    assert bytearray(4096)
