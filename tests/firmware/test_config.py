import json

from support import raises
from warden.config import checked, load
from warden.settings import ConfigError

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
BUTTON = {"kind": "button", "name": "button", "pin": 14, "pull": "up"}
ANALOG = {"kind": "analog", "name": "temperature", "pin": 34}


def settings(**changes):
    whole = {"device": "front-door", "key": KEY, "agent": "http://192.168.1.10:8710"}
    whole.update(changes)
    return whole


def with_input(entry, **changes):
    entry = dict(entry, **changes)
    return settings(wifi={"ssid": "home", "password": "secret-password"}, inputs=[entry])


def test_the_smallest_configuration_is_enough():
    config = checked(settings())
    assert config.device == "front-door"
    assert config.key == bytes(range(32))
    assert (config.poll_s, config.boot_floor, config.watchdog_s) == (5, 0, 60)
    assert config.ssid is None and config.inputs == []


def test_inputs_come_with_every_default_filled_in():
    config = checked(
        settings(inputs=[BUTTON, ANALOG, {"kind": "digital", "name": "door", "pin": 27}])
    )
    button, analog, door = config.inputs
    assert (button["type"], button["param"], button["debounce_ms"]) == (
        "buttonState",
        "pressed",
        30,
    )
    assert button["active"] == "low" and not button["release"]
    assert (analog["type"], analog["param"]) == ("temperature_reading", "temperature")
    assert (door["type"], door["release"]) == ("door_state", True)


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
        ("inputs[0].kind", with_input(BUTTON, kind="buttn")),
        ("inputs[0].name", with_input(BUTTON, name=None)),
        ("inputs[0].pin", with_input(BUTTON, pin=None)),
        ("inputs[0].pin", with_input(BUTTON, pin=49)),
        ("inputs[0].pin: pins 6 to 11", with_input(BUTTON, pin=7)),
        ("inputs[0].pin: pins 1 and 3", with_input(BUTTON, pin=1)),
        ("inputs[0].pull: pins 34 to 39", with_input(BUTTON, pin=35)),
        ("inputs[0].pull", with_input(BUTTON, pull="sideways")),
        ("inputs[0].active", with_input(BUTTON, active="left")),
        ("inputs[0].debounce_ms", with_input(BUTTON, debounce_ms=-1)),
        ("inputs[0].release", with_input(BUTTON, release=1)),
        ("inputs[0].type", with_input(BUTTON, type="")),
        ("inputs[0].param", with_input(BUTTON, param=5)),
        ("inputs[0]: unknown field scale", with_input(BUTTON, scale=1)),
        ("inputs[0].pin: ADC2", with_input(ANALOG, pin=25)),
        ("inputs[0].every_ms", with_input(ANALOG, every_ms=1)),
        ("inputs[0].scale", with_input(ANALOG, scale="1")),
        ("inputs[0].scale", with_input(ANALOG, scale=float("inf"))),
        ("inputs[0].scale", with_input(ANALOG, scale=10**400)),
        ("inputs[0].min_change", with_input(ANALOG, min_change=-1)),
        ("inputs[0].offset", with_input(ANALOG, offset=float("nan"))),
        ("inputs[0].min_change", with_input(ANALOG, min_change=None)),
        ("inputs[0].heartbeat_s", with_input(ANALOG, heartbeat_s=-1)),
        ("the pin 14", settings(inputs=[BUTTON, dict(BUTTON, name="other")])),
        ("the name button", settings(inputs=[BUTTON, dict(BUTTON, pin=15)])),
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


def test_an_escaped_character_is_whole_again():
    pair = json.loads('"\\ud83d\\udeaa"')  # as Python's json.dump writes it
    assert len(pair) == 2, "MicroPython's json would do it"
    button = {"kind": "button", "name": "button", "pin": 14, "param": pair}
    config = checked(settings(inputs=[button], wifi={"ssid": pair * 32, "password": pair[0]}))
    assert config.inputs[0]["param"].encode() == b"\xf0\x9f\x9a\xaa"
    assert config.ssid.encode() == b"\xf0\x9f\x9a\xaa" * 32
    assert config.password == "\ufffd"
