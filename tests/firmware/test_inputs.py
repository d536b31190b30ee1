import sys

from support import Ticks
from warden import inputs

SWITCH = {
    "kind": "button",
    "name": "button",
    "pin": 14,
    "pull": "up",
    "type": "buttonState",
    "param": "pressed",
    "active": "low",
    "debounce_ms": 30,
    "release": False,
}
READINGS = {"name": "x", "type": "t", "every_ms": 1000, "min_change": 0, "heartbeat_s": 0}
ANALOG = dict(READINGS, kind="analog", pin=34, param="t", scale=1, offset=0)
KINDS = {
    "switch": (SWITCH, dict(SWITCH, kind="digital")),
    "analog": (ANALOG,),
    "ds18x20_bus": (dict(READINGS, kind="ds18x20", pin=4, param="t", rom=None),),
    "dht22": (dict(READINGS, kind="dht22", pin=16),),
    "bme280": (dict(READINGS, kind="bme280", sda=21, scl=22, address=0x76),),
}


def build(*settings):
    class Config:
        inputs = settings

    reports = []
    built = inputs.build(Config, Ticks().clock(), lambda *report: reports.append(report))
    return built, reports


def test_inputs_are_built_on_the_pins_of_the_configuration():
    built, reports = build(SWITCH, ANALOG)
    for part in built:
        part.tick()
    assert reports == [("t", {"t": 0.0}, 0)]


def test_a_board_loads_the_kinds_that_it_has_and_no_others():
    assert build() == ([], [])
    expected = set()
    for module, settings in KINDS.items():
        loaded = {name[7:] for name in sys.modules if name.startswith("warden.")}
        assert loaded & set(KINDS) == expected
        build(*settings)
        expected.add(module)
    loaded = {name[7:] for name in sys.modules if name.startswith("warden.")}
    assert loaded & set(KINDS) == expected


def test_thermometers_on_one_pin_are_one_input_and_on_two_pins_two():
    thermometer = KINDS["ds18x20_bus"][0]
    built, _ = build(thermometer, dict(thermometer, name="y"), dict(thermometer, pin=5))
    assert len(built) == 2
