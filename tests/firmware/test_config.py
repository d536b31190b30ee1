import json
import os

from support import raises
from warden.config import checked, load
from warden.settings import ConfigError

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
BUTTON = {"kind": "button", "name": "button", "pin": 14, "pull": "up"}


def settings(**changes):
    whole = {"device": "front-door", "key": KEY, "agent": "http://192.168.1.10:8710"}
    whole.update(changes)
    return whole


def test_the_smallest_configuration_is_enough():
    config = checked(settings())
    assert config.device == "front-door"
    assert config.key == bytes(range(32))
    assert (config.poll_s, config.boot_floor, config.watchdog_s) == (5, 0, 60)
    assert config.ssid is None and config.inputs == []


def test_every_wrong_field_is_named():
    wrong = (
        ("config.json", []),
        ("unknown field devise", settings(devise="x")),
        ("device", settings(device=None)),
        ("device", settings(device="")),
        ("device", settings(device="a" * 65)),
        ("device", settings(device='a","typ":"reply')),
        ("device", settings(device="-a")),
        ("key", settings(key=None)),
        ("key", settings(key="AAEC")),
        ("key", settings(key="!" * 44)),
        ("boot_floor", settings(boot_floor=-1)),
        ("boot_floor", settings(boot_floor=1 << 31)),
        ("boot_floor", settings(boot_floor=True)),
        ("agent", settings(agent=None)),
        ("agent", settings(agent="192.168.1.10")),
        ("agent", settings(agent="https://192.168.1.10")),
        ("agent", settings(agent="http://")),
        ("agent", settings(agent="http://host:port")),
        ("wifi", settings(wifi="home")),
        ("wifi.ssid", settings(wifi={"password": "x"})),
        ("wifi.ssid", settings(wifi={"ssid": "h\u00e4user" * 5, "password": "x"})),
        ("wifi.password", settings(wifi={"ssid": "home", "password": 5})),
        ("wifi", settings(wifi={"ssid": "home", "pasword": "x"})),
        ("agent", settings(agent="http://host:0")),
        ("agent", settings(agent="http://host:99999")),
        ("agent", settings(agent="http://host?x=1")),
        ("agent", settings(agent="http://user@host")),
        ("agent", settings(agent="http://ho st")),
        ("key", settings(key=KEY + "!!!!")),
        ("poll_s", settings(poll_s=0)),
        ("poll_s", settings(poll_s="5")),
        ("watchdog_s", settings(watchdog_s=-1)),
        ("inputs", settings(inputs={})),
        ("inputs[0]", settings(inputs=[5])),
    )
    for named, value in wrong:
        with raises(ConfigError, named):
            checked(value)


def test_a_message_never_holds_a_secret():
    for value in (
        settings(key="c2VjcmV0" * 3),
        settings(wifi={"ssid": "home", "password": "secret" * 20}),
        settings(wifi={"ssid": 5, "password": "secret"}),
    ):
        try:
            checked(value)
        except ConfigError as error:
            assert "secret" not in str(error) and "c2VjcmV0" not in str(error)


def test_a_missing_or_broken_file_is_told():
    with raises(ConfigError, "no config.json"):
        load()
    for text in ("", "{", "\xff\xfe", "{'device': 1}", "[" * 8000, "[" * 20000):
        with open("config.json", "w") as file:
            file.write(text)
        with raises(ConfigError, "config.json is "):
            load()
    with open("config.json", "w") as file:
        json.dump(settings(), file)
    assert load().device == "front-door"


def test_a_slot_has_its_own_file_and_its_own_ca():
    with raises(ConfigError, "no a/config.json"):
        load("a/")
    os.mkdir("a")
    account = {"route": "rest", "agent_id": "a", "organization_id": "o", "auth_group_id": "g"}
    account.update({"key": KEY, "iv": "AAECAwQFBgcICQoLDA0ODw=="})
    for given, found in ((None, "a/ca.der"), ("my.der", "a/my.der"), ("/my.der", "/my.der")):
        if given:
            account["ca"] = given
        with open("a/config.json", "w") as file:
            json.dump(settings(guardiankey=account), file)
        assert load("a/").guardiankey.ca == found


def test_an_escaped_character_is_whole_again():
    pair = json.loads('"\\ud83d\\udeaa"')  # as Python's json.dump writes it
    assert len(pair) == 2, "MicroPython's json would do it"
    button = {"kind": "button", "name": "button", "pin": 14, "param": pair}
    config = checked(settings(inputs=[button], wifi={"ssid": pair * 8, "password": pair[0]}))
    assert config.inputs[0]["param"].encode() == b"\xf0\x9f\x9a\xaa"
    assert config.ssid.encode() == b"\xf0\x9f\x9a\xaa" * 8
    assert config.password == "\ufffd"


EVERYTHING = {
    "boot_floor": 3,
    "wifi": {"ssid": "home", "password": "x"},
    "poll_s": 5,
    "watchdog_s": 60,
    "inputs": [
        dict(BUTTON, active="low", debounce_ms=30, type="t", param="p", release=True),
        {"kind": "analog", "name": "a", "pin": 34, "scale": 1.5, "offset": 0, "min_change": 1},
        {"kind": "ds18x20", "name": "d", "pin": 4, "rom": None, "every_ms": 1000},
        {"kind": "bme280", "name": "b", "sda": 21, "scl": 22, "address": "0x76", "heartbeat_s": 1},
    ],
    "commands": {"power": {"pin": 26, "active": "high", "initial": "off"}, "b": {"module": "m"}},
    "guardiankey": {
        "route": "relay",
        "agent_id": "a",
        "organization_id": "o",
        "auth_group_id": "g",
        "key": KEY,
        "iv": "AAECAwQFBgcICQoLDA0ODw==",
        "service": "s",
        "client_ip": "10.0.0.1",
        "client_reverse": "r",
        "user_agent": "u",
        "api": "https://api",
        "ca": "ca",
        "collector": "c:1",
    },
    "access": {
        "name": "n",
        "keypad": {"rows": [13, 17, 18, 19], "columns": [23, 25, 27], "keys": "123456789*0#"},
        "lock": {"pin": 32, "active": "high", "open_ms": 1000},
        "no_verdict": "closed",
        "hard_notify": "closed",
        "lockout_after": 5,
        "lockout_s": 60,
    },
}
ODD = (None, True, -1, 118.0, 10**40, "", ":", "\ud83d", "x" * 300, [], [None], {}, {"pin": []})


def fields(table):
    """(what holds it, its name or number) of every field and item, at any depth."""
    for name, value in table.items() if isinstance(table, dict) else enumerate(table):
        yield table, name
        if isinstance(value, (dict, list)):
            yield from fields(value)


def test_whatever_stands_in_a_field_is_taken_or_named_as_wrong():
    whole = json.loads(json.dumps(settings(**EVERYTHING)))
    checked(whole)
    tried = refused = 0
    for holder, name in list(fields(whole)):
        right = holder[name]
        for odd in ODD:
            holder[name] = odd
            tried += 1
            try:
                checked(whole)
            except ConfigError:
                refused += 1
        holder[name] = right
    checked(whole)
    assert tried > 600 and refused > tried // 2
