"""The section `inputs` of config.json, checked, with every default filled in."""

import binascii

from warden import config_checks as check
from warden.settings import ConfigError

_ADC1_PINS = (32, 33, 34, 35, 36, 37, 38, 39)
_FLASH_VOLTAGE_PIN = 12
_THERMOMETERS = (0x10, 0x22, 0x28)  # DS18S20, DS1822, DS18B20
_ADDRESSES = ("0x76", "0x77", 0x76, 0x77)  # JSON has no 0x76

_SWITCH = ("kind", "name", "pin", "pull", "active", "debounce_ms", "type", "param")
_BUTTON = _SWITCH + ("release",)
_READINGS = ("kind", "name", "type", "every_ms", "min_change", "heartbeat_s")
_ANALOG = _READINGS + ("pin", "param", "scale", "offset")
_DS18X20 = _READINGS + ("pin", "param", "rom")
_DHT22 = _READINGS + ("pin",)
_BME280 = _READINGS + ("sda", "scl", "address")


def inputs(table, has_wifi):
    """A list of dicts."""
    if not isinstance(table, list):
        raise ConfigError("inputs: a list of objects")
    checked = [_input(entry, "inputs[%d]" % n, has_wifi) for n, entry in enumerate(table)]
    _distinct(checked)
    return checked


def pins(checked):
    """The pins that these inputs use."""
    return [number for entry in checked for number in _pins(entry)]


def _input(entry, where, has_wifi):
    if not isinstance(entry, dict):
        raise ConfigError("%s: an object { ... }" % where)
    kind = check.choice(entry, "kind", where + ".", sorted(_KINDS))
    known, read = _KINDS[kind]
    check.known(entry, known, where)
    where += "."
    checked = {"kind": kind, "name": check.text(entry, "name", where, 64)}
    read(entry, where, checked)
    if kind == "analog" and checked["pin"] not in _ADC1_PINS and has_wifi:
        raise ConfigError("%spin: ADC2 stops while Wi-Fi is on; use 32 to 39" % where)
    return checked


def _switch(entry, where, checked):
    is_button = checked["kind"] == "button"
    checked["pin"] = check.pin(entry.get("pin"), where + "pin")
    checked["pull"] = check.choice(entry, "pull", where, ("up", "down", None))
    if checked["pull"] and check.is_input_only(checked["pin"]):
        raise ConfigError("%spull: pins 34 to 39 have none; add a resistor" % where)
    checked["active"] = check.choice(entry, "active", where, ("low", "high"), "low")
    checked["debounce_ms"] = check.whole(entry, "debounce_ms", where, 0, 1000, 30)
    names = ("buttonState", "pressed") if is_button else (checked["name"] + "_state", "active")
    checked["type"] = check.text(entry, "type", where, 64, names[0])
    checked["param"] = check.text(entry, "param", where, 64, names[1])
    checked["release"] = not is_button or check.flag(entry, "release", where, False)


def _readings(entry, where, checked, fastest_ms, every_ms, min_change):
    checked["type"] = check.text(entry, "type", where, 64, checked["name"] + "_reading")
    checked["every_ms"] = check.whole(entry, "every_ms", where, fastest_ms, 3600000, every_ms)
    checked["min_change"] = check.number(entry, "min_change", where, min_change, least=0)
    checked["heartbeat_s"] = check.whole(entry, "heartbeat_s", where, 0, 86400, 300)


def _analog(entry, where, checked):
    checked["pin"] = check.pin(entry.get("pin"), where + "pin")
    _readings(entry, where, checked, 10, 1000, 0)
    checked["param"] = check.text(entry, "param", where, 64, checked["name"])
    checked["scale"] = check.number(entry, "scale", where, 1)
    checked["offset"] = check.number(entry, "offset", where, 0)


def _ds18x20(entry, where, checked):
    checked["pin"] = _wire(entry, "pin", where)
    _readings(entry, where, checked, 1000, 10000, 0.2)
    checked["param"] = check.text(entry, "param", where, 64, checked["name"])
    checked["rom"] = None
    if entry.get("rom") is not None:
        checked["rom"] = check.text(entry, "rom", where, 16).lower()
        if not _is_rom(checked["rom"]):
            raise ConfigError(
                "%srom: 16 hexadecimal digits, as the console tells them: ds18x20: found ..."
                % where
            )


def _dht22(entry, where, checked):
    checked["pin"] = _wire(entry, "pin", where)
    _readings(entry, where, checked, 2000, 10000, 0.5)


def _bme280(entry, where, checked):
    for field in ("sda", "scl"):
        checked[field] = _wire(entry, field, where)
    if checked["sda"] == checked["scl"]:
        raise ConfigError("%sscl: another pin than sda" % where)
    _readings(entry, where, checked, 1000, 10000, 0.5)
    address = check.choice(entry, "address", where, _ADDRESSES, 0x76)
    checked["address"] = 0x76 if address in ("0x76", 0x76) else 0x77


_KINDS = {
    "button": (_BUTTON, _switch),
    "digital": (_SWITCH, _switch),
    "analog": (_ANALOG, _analog),
    "ds18x20": (_DS18X20, _ds18x20),
    "dht22": (_DHT22, _dht22),
    "bme280": (_BME280, _bme280),
}


def _wire(entry, field, where):
    number = check.driving(entry.get(field), where + field)
    if number == _FLASH_VOLTAGE_PIN:
        raise ConfigError("%s%s: pulled up, pin 12 keeps the board from starting" % (where, field))
    return number


def _is_rom(digits):
    try:
        rom = binascii.unhexlify(digits)
    except ValueError:
        return False
    return len(rom) == 8 and rom[0] in _THERMOMETERS and _crc8(rom) == 0


def _crc8(data):
    """The checksum of 1-Wire (polynomial x8 + x5 + x4 + 1); 0 with the checksum behind the data."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8C if crc & 1 else 0)
    return crc


def _pins(entry):
    return (entry["sda"], entry["scl"]) if entry["kind"] == "bme280" else (entry["pin"],)


def _distinct(checked):
    names = [entry["name"] for entry in checked]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError("inputs: two have the name %s" % name)
    used = {}
    for entry in checked:
        for number in _pins(entry):
            for other in used.setdefault(number, []):
                _share(entry, other, number)
            used[number].append(entry)


def _share(one, other, number):
    """Two sensors may share a bus if they can be told apart."""
    kind = one["kind"]
    if kind == other["kind"] == "ds18x20":
        if not (one["rom"] and other["rom"]) or one["rom"] == other["rom"]:
            raise ConfigError("inputs: sensors that share pin %d have a rom each" % number)
    elif kind == other["kind"] == "bme280" and _pins(one) == _pins(other):
        if one["address"] == other["address"]:
            raise ConfigError("inputs: sensors that share pin %d have an address each" % number)
    else:
        raise ConfigError("inputs: two have the pin %d" % number)
