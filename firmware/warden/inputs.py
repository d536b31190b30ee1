"""The inputs that config.json names. A board loads the kinds that it has, and no others."""

from machine import Pin

from warden.settings import ConfigError


def build(config, clock, report):
    """The inputs, each with `tick()` and `missed`; sensors on the same wire are one of them.

    `report(type, params, uptime)` takes their events. ConfigError if the board has no such pin.
    """
    built = []
    buses = {}
    for settings in config.inputs:
        if settings["kind"] == "ds18x20":
            buses.setdefault(settings["pin"], []).append(settings)
        else:
            built.append(_input(settings, clock, report))
    return built + [_thermometers(bus, clock, report) for bus in buses.values()]


def _input(settings, clock, report):
    kind = settings["kind"]
    if kind == "analog":
        return _analog(settings, clock, report)
    if kind == "dht22":
        return _dht22(settings, clock, report)
    if kind == "bme280":
        return _bme280(settings, clock, report)
    from warden.switch import Switch

    pull = {"up": Pin.PULL_UP, "down": Pin.PULL_DOWN, None: None}[settings["pull"]]
    # None switches an earlier pull off, which the stubs do not know.
    return Switch(_pin(settings, "pin", Pin.IN, pull), settings, clock, report)


def _analog(settings, clock, report):
    from machine import ADC

    from warden.analog import Analog

    try:
        adc = ADC(_pin(settings, "pin"), atten=ADC.ATTN_11DB)
    except ValueError as error:
        raise _error(settings, "pin", error) from None
    return Analog(adc, settings, clock, report)


def _thermometers(settings, clock, report):
    from warden.ds18x20_bus import Ds18x20Bus
    from warden.readings import Readings
    from warden.sensors import Sensors

    bus = Ds18x20Bus(_pin(settings[0], "pin"), settings, clock)
    return Sensors(bus, [Readings(one, clock, report) for one in settings])


def _dht22(settings, clock, report):
    from warden.dht22 import Dht22
    from warden.readings import Readings
    from warden.sensors import Sensors

    return Sensors(Dht22(_pin(settings, "pin"), clock), [Readings(settings, clock, report)])


def _bme280(settings, clock, report):
    from machine import SoftI2C

    from warden.bme280 import Bme280
    from warden.readings import Readings
    from warden.sensors import Sensors

    # In software: any pins, and no wait for a bus that is stuck.
    wires = SoftI2C(scl=_pin(settings, "scl"), sda=_pin(settings, "sda"), timeout=1000)
    chip = Bme280(wires, settings["address"], clock)
    return Sensors(chip, [Readings(settings, clock, report)])


def _pin(settings, field, *arguments):
    try:
        return Pin(settings[field], *arguments)
    except (ValueError, OSError) as error:
        raise _error(settings, field, error) from None


def _error(settings, field, error):
    where = settings["name"], field, settings[field], error
    return ConfigError("input %s: %s %d: %s" % where)
