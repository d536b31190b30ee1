"""A door whose attempts need no agent needs none for the time either."""

import json
import sys

from warden import app, rtc

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
IV = "AAECAwQFBgcICQoLDA0ODw=="
ACCOUNT = {"agent_id": "a", "organization_id": "o", "auth_group_id": "g", "key": KEY, "iv": IV}
KEYPAD = {"rows": [13, 16, 17, 18], "columns": [19, 21, 22]}


class Rtc:
    """machine.RTC after a power cut."""

    now = (2000, 1, 1, 5, 0, 0, 0, 0)

    def datetime(self):
        return Rtc.now


class Ntptime:
    """That of an ESP32."""

    @staticmethod
    def settime():
        Rtc.now = (2027, 1, 1, 4, 0, 0, 0, 0)


def test_a_door_that_needs_no_agent_gets_the_time_without_one():
    rtc._rtc = Rtc
    sys.modules["ntptime"] = Ntptime
    whole = {"device": "front-door", "key": KEY, "agent": "http://127.0.0.1:1"}
    whole["guardiankey"] = dict(ACCOUNT, route="udp", collector="127.0.0.1:9")
    whole["access"] = {"keypad": KEYPAD, "lock": {"pin": 23}, "no_verdict": "closed"}
    with open("config.json", "w") as file:
        json.dump(whole, file)
    running = app.App(app.load_settings())
    attempts = running.access.attempts
    for _ in range(500):
        running.step()
        app.sleep_ms(10)
        if rtc.now_ms() is not None:
            break
    attempts.start("alice", "", False, running.clock.uptime())
    for _ in range(500):
        running.step()
        app.sleep_ms(10)
        if attempts.verdict():
            break
    assert attempts.verdict() == "none" and len(attempts) == 0, "it went out"
