from support import raises
from warden.config import checked
from warden.settings import ConfigError

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
BUTTON = {"kind": "button", "name": "button", "pin": 14}
DOOR = {"wiegand": {"d0": 34, "d1": 35}, "lock": {"pin": 23}, "no_verdict": "open"}


def settings(**changes):
    whole = {"device": "front-door", "key": KEY, "agent": "http://192.168.1.10:8710"}
    whole.update(changes)
    return whole


def power(**changes):
    return settings(commands={"power": dict({"pin": 26}, **changes)})


def test_a_board_without_commands_has_none():
    assert checked(settings()).commands == {}
    assert checked(settings(commands=None)).commands == {}
    assert checked(settings(commands={})).commands == {}


def test_outputs_come_with_every_default_filled_in():
    assert checked(power()).commands == {"power": {"pin": 26, "active": "high", "initial": "off"}}
    own = {"pin": 27, "active": "low", "initial": "on"}
    assert checked(settings(commands={"Fan.2_x-": own})).commands == {"Fan.2_x-": own}


def function(module, name="blink"):
    return settings(commands={name: {"module": module}})


def test_a_command_may_be_a_function_of_a_module():
    both = checked(settings(commands={"power": {"pin": 26}, "blink": {"module": "my_garden2"}}))
    assert both.functions == {"blink": "my_garden2"} and list(both.commands) == ["power"]
    assert checked(settings()).functions == {}


def test_a_wrong_module_is_named():
    wrong = (
        ("commands.blink.module: a text", function("")),
        ("commands.blink.module: a text", function(5)),
        ("commands.blink.module: a text", function("a" * 33)),
        ("commands.blink.module: letters", function("garden.blink")),
        ("commands.blink.module: letters", function("../garden")),
        ("commands.blink.module: letters", function("garten\u00fc")),
        ("commands.blink.module: letters", function("2garden")),
        ("commands.blink.module: warden is a name of the firmware's own", function("warden")),
        ("commands.blink.module: main is a name of the firmware's own", function("main")),
        ("commands.start: `start` of a module is called at start", function("garden", "start")),
    )
    for named, value in wrong:
        with raises(ConfigError, named):
            checked(value)
    with raises(ConfigError, "commands.blink: unknown field pin; known are module"):
        checked(settings(commands={"blink": {"module": "garden", "pin": 26}}))


def test_every_wrong_field_is_named():
    wrong = (
        ("commands: an object", settings(commands=[])),
        ("commands: a name", settings(commands={"": {"pin": 26}})),
        ("commands: a name", settings(commands={"2fan": {"pin": 26}})),
        ("commands: a name", settings(commands={"a b": {"pin": 26}})),
        ("commands: a name", settings(commands={"a" * 65: {"pin": 26}})),
        ("commands.power: an object", settings(commands={"power": 26})),
        ("commands.power: unknown field pins", power(pins=26)),
        ("commands.power.pin: a whole number", power(pin=None)),
        ("commands.power.pin: pins 6 to 11", power(pin=6)),
        ("commands.power.pin: pins 34 to 39 are inputs only", power(pin=34)),
        ("commands.power.pin: pin 12 moves while the board starts", power(pin=12)),
        ("commands.power.active", power(active="on")),
        ("commands.power.initial", power(initial=True)),
    )
    for named, value in wrong:
        with raises(ConfigError, named):
            checked(value)


def test_no_pin_has_two_uses():
    both = settings(commands={"power": {"pin": 26}, "fan": {"pin": 26}})
    with raises(ConfigError, "pin 26 is in use already"):
        checked(both)
    taken = dict(BUTTON, pin=26)
    with raises(ConfigError, "commands.power.pin: pin 26 is in use already"):
        checked(settings(commands={"power": {"pin": 26}}, inputs=[taken]))
    with raises(ConfigError, "access.lock.pin: pin 23 is in use already"):
        checked(settings(commands={"power": {"pin": 23}}, access=DOOR))
    assert checked(settings(commands={"power": {"pin": 26}}, access=DOOR, inputs=[BUTTON]))
