"""What is left of 160 KB. The heap of a board holds objects of half the size, and no simulator."""

import binascii
import gc
import json

from warden import app

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
IV = "AAECAwQFBgcICQoLDA0ODw=="


def running(**sections):
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
    for _ in range(20):
        board.step()
        app.sleep_ms(5)
    assert board.session._failures == 1, "the first frame is out"
    return board


def test_a_board_without_a_door_has_room_to_spare():
    health = running().health()
    print(health)
    assert health["heap"] > 67 * 1024


def test_a_door_with_64_credentials_has_room_to_spare():
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
    print(health)
    assert health["failures"] == 0 and health["late"] == 0
    assert health["heap"] > 22 * 1024
    assert bytearray(4096)
