from support import raises
from warden.config import checked
from warden.settings import ConfigError

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
BUTTON = {"kind": "button", "name": "button", "pin": 14, "pull": "up"}
ANALOG = {"kind": "analog", "name": "temperature", "pin": 34}
DS18X20 = {"kind": "ds18x20", "name": "cellar", "pin": 4}
DHT22 = {"kind": "dht22", "name": "hall", "pin": 16}
BME280 = {"kind": "bme280", "name": "attic", "sda": 21, "scl": 22}
ROM = "28ff641e82160461"


def settings(*inputs, **changes):
    whole = {"device": "front-door", "key": KEY, "agent": "http://192.168.1.10:8710"}
    whole["inputs"] = list(inputs)
    whole.update(changes)
    return whole


def with_input(entry, **changes):
    wifi = {"ssid": "home", "password": "secret-password"}
    return settings(dict(entry, **changes), wifi=wifi)


def test_switches_and_voltages_come_with_every_default_filled_in():
    door = {"kind": "digital", "name": "door", "pin": 27}
    button, analog, door = checked(settings(BUTTON, ANALOG, door)).inputs
    assert (button["type"], button["param"]) == ("buttonState", "pressed")
    assert (button["active"], button["debounce_ms"], button["release"]) == ("low", 30, False)
    assert (analog["type"], analog["param"]) == ("temperature_reading", "temperature")
    assert (analog["every_ms"], analog["min_change"], analog["heartbeat_s"]) == (1000, 0, 300)
    assert (door["type"], door["release"]) == ("door_state", True)


def test_sensors_come_with_every_default_filled_in():
    cellar, hall, attic = checked(settings(DS18X20, DHT22, BME280)).inputs
    assert (cellar["type"], cellar["param"], cellar["rom"]) == ("cellar_reading", "cellar", None)
    assert (cellar["every_ms"], cellar["min_change"], cellar["heartbeat_s"]) == (10000, 0.2, 300)
    assert (hall["type"], hall["every_ms"], hall["min_change"]) == ("hall_reading", 10000, 0.5)
    assert (attic["type"], attic["every_ms"], attic["address"]) == ("attic_reading", 10000, 0x76)


def test_an_address_is_a_number_or_its_usual_spelling():
    for address, number in ((118, 0x76), ("0x76", 0x76), (119, 0x77), ("0x77", 0x77)):
        assert checked(with_input(BME280, address=address)).inputs[0]["address"] == number


def test_a_rom_is_hexadecimal_in_any_case():
    for rom in (ROM, ROM.upper()):
        assert checked(with_input(DS18X20, rom=rom)).inputs[0]["rom"] == ROM


def test_every_wrong_field_is_named():
    wrong = (
        ("inputs", settings(inputs={})),
        ("inputs[0]", settings(5)),
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
        ("inputs: two have the pin 14", settings(BUTTON, dict(BUTTON, name="other"))),
        ("the name button", settings(BUTTON, dict(BUTTON, pin=15))),
        ("inputs[0].pin: pins 34 to 39 are inputs only", with_input(DS18X20, pin=34)),
        ("inputs[0].pin: pulled up, pin 12", with_input(DS18X20, pin=12)),
        ("inputs[0].every_ms", with_input(DS18X20, every_ms=999)),
        ("inputs[0].rom", with_input(DS18X20, rom=5)),
        ("inputs[0].rom: 16 hexadecimal digits", with_input(DS18X20, rom=ROM[:14])),
        ("inputs[0].rom: 16 hexadecimal digits", with_input(DS18X20, rom="x" * 16)),
        ("inputs[0].rom: 16 hexadecimal digits", with_input(DS18X20, rom=ROM[:15] + "c")),
        ("inputs[0].rom: 16 hexadecimal digits", with_input(DS18X20, rom="0" * 16)),
        ("inputs[0]: unknown field scale", with_input(DS18X20, scale=1)),
        ("inputs[0].pin: pins 34 to 39 are inputs only", with_input(DHT22, pin=35)),
        ("inputs[0].every_ms", with_input(DHT22, every_ms=1999)),
        ("inputs[0]: unknown field param", with_input(DHT22, param="x")),
        ("inputs[0].sda", with_input(BME280, sda=None)),
        ("inputs[0].scl: pins 34 to 39 are inputs only", with_input(BME280, scl=36)),
        ("inputs[0].scl: another pin than sda", with_input(BME280, scl=21)),
        ("inputs[0].address: one of 0x76, 0x77", with_input(BME280, address="0x78")),
        ("inputs[0].address", with_input(BME280, address=[])),
    )
    for named, value in wrong:
        with raises(ConfigError, named):
            checked(value)


def test_sensors_share_a_bus_if_they_can_be_told_apart():
    first, second = dict(DS18X20, rom=ROM), dict(DS18X20, name="b", rom="2801000000000029")
    assert len(checked(settings(first, second)).inputs) == 2
    for other in (dict(second, rom=ROM), dict(second, rom=None)):
        with raises(ConfigError, "inputs: sensors that share pin 4 have a rom each"):
            checked(settings(first, other))
    upper = dict(BME280, name="b", address=0x77)
    assert len(checked(settings(BME280, upper)).inputs) == 2
    with raises(ConfigError, "have an address each"):
        checked(settings(BME280, dict(upper, address=0x76)))
    for stranger in (dict(upper, sda=22, scl=21), dict(BUTTON, pin=22), dict(DHT22, pin=21)):
        with raises(ConfigError, "inputs: two have the pin 2"):
            checked(settings(BME280, stranger))
    with raises(ConfigError, "commands.power.pin: pin 22 is in use already"):
        checked(settings(BME280, commands={"power": {"pin": 22}}))
