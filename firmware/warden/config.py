"""config.json: read once at start and checked as a whole, before anything runs."""

import binascii
import json
import math
import os

_ADC1_PINS = (32, 33, 34, 35, 36, 37, 38, 39)
_FLASH_PINS = (6, 7, 8, 9, 10, 11)
_CONSOLE_PINS = (1, 3)
_INPUT_ONLY_PINS = (34, 35, 36, 37, 38, 39)
_NAME_MARKS = "._-"
_LONGEST = 8192
_BOOT_MAX = 0x7FFF0000  # the agent refuses what is above

_TOP = ("device", "key", "boot_floor", "agent", "wifi", "poll_s", "watchdog_s", "inputs")
_WIFI = ("ssid", "password")
_SWITCH = ("kind", "name", "pin", "pull", "active", "debounce_ms", "type", "param")
_SENSOR = ("kind", "name", "pin", "type", "param", "every_ms")
_ANALOG = _SENSOR + ("scale", "offset", "min_change", "heartbeat_s")
_KINDS = {"button": _SWITCH + ("release",), "digital": _SWITCH, "analog": _ANALOG}


class ConfigError(Exception):
    """Names the field that is wrong and what would be right. Never holds a secret."""


class Config:
    """The checked settings; `inputs` is a list of dicts with every default filled in."""

    def __init__(self, settings):
        _known(settings, _TOP, "config.json")
        self.device = _text(settings, "device", "", 64)
        if not _is_name(self.device):
            raise ConfigError("device: letters, digits and . _ - only, a letter or digit first")
        self.key = _key(settings)
        self.boot_floor = _whole(settings, "boot_floor", "", 0, _BOOT_MAX, 0)
        self.agent = _agent(settings)
        wifi = settings.get("wifi")
        self.ssid = self.password = None
        if wifi is not None:
            _known(wifi, _WIFI, "wifi")
            self.ssid = _text(wifi, "ssid", "wifi.", 32)
            self.password = _text(wifi, "password", "wifi.", 64, "")
        self.poll_s = _whole(settings, "poll_s", "", 1, 3600, 5)
        self.watchdog_s = _whole(settings, "watchdog_s", "", 0, 3600, 60)
        inputs = settings.get("inputs", [])
        if not isinstance(inputs, list):
            raise ConfigError("inputs: a list of objects")
        self.inputs = [_input(entry, "inputs[%d]" % n, self) for n, entry in enumerate(inputs)]
        _distinct(self.inputs)


def load(path="config.json"):
    """The Config in the file. ConfigError if it is missing, no JSON, or wrong in any field."""
    try:
        if os.stat(path)[6] > _LONGEST:
            raise ConfigError("%s is longer than %d bytes" % (path, _LONGEST))
        with open(path) as file:
            settings = json.load(file)
    except OSError:
        raise ConfigError("there is no %s on the board" % path) from None
    except (ValueError, UnicodeError, MemoryError, RuntimeError):
        raise ConfigError("%s is not JSON" % path) from None
    return Config(settings)


def _known(table, names, where):
    if not isinstance(table, dict):
        raise ConfigError("%s: an object { ... }" % where)
    for name in table:
        if name not in names:
            known = ", ".join(names)
            raise ConfigError("%s: unknown field %s; known are %s" % (where, name, known))


def _text(table, field, where, longest, default=None):
    value = table.get(field, default)
    if not isinstance(value, str) or len(value) > longest or (not value and default != ""):
        least = 0 if default == "" else 1
        raise ConfigError("%s%s: a text of %d to %d characters" % (where, field, least, longest))
    return value


def _is_name(text):
    return text[0] not in _NAME_MARKS and all(
        c in _NAME_MARKS or "0" <= c <= "9" or "a" <= c.lower() <= "z" for c in text
    )


def _whole(table, field, where, least, most, default=None):
    value = table.get(field, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ConfigError("%s%s: a whole number from %d to %d" % (where, field, least, most))
    return value


def _number(table, field, where, default, least=-1e9):
    value = table.get(field, default)
    if (
        not isinstance(value, (int, float))
        or isinstance(value, bool)
        or (isinstance(value, float) and not math.isfinite(value))
        or not least <= value <= 1e9
    ):
        raise ConfigError("%s%s: a number from %d to 1000000000" % (where, field, least))
    return value


def _flag(table, field, where, default):
    value = table.get(field, default)
    if not isinstance(value, bool):
        raise ConfigError("%s%s: true or false" % (where, field))
    return value


def _choice(table, field, where, choices, default=None):
    value = table.get(field, default)
    if value not in choices:
        known = ", ".join([str(choice) for choice in choices])
        raise ConfigError("%s%s: one of %s" % (where, field, known))
    return value


def _key(settings):
    text = _text(settings, "key", "", 64)
    try:
        key = binascii.a2b_base64(text)
    except ValueError:
        key = b""
    if len(key) != 32 or binascii.b2a_base64(key).strip() != text.encode():
        raise ConfigError("key: 32 bytes in base64, as `thingwarden device config` writes it")
    return key


def _agent(settings):
    url = _text(settings, "agent", "", 256)
    host, _, port = url[7:].partition("/")[0].partition(":")
    usable = url.startswith("http://") and host and all("!" <= c <= "~" for c in url)
    if not usable or "?" in url or "#" in url or "@" in url or not _is_port(port):
        raise ConfigError("agent: an address like http://192.168.1.10:8710")
    return url.rstrip("/")


def _is_port(text):
    return not text or (text.isdigit() and len(text) < 6 and 1 <= int(text) <= 65535)


def _input(entry, where, config):
    if not isinstance(entry, dict):
        raise ConfigError("%s: an object { ... }" % where)
    kind = _choice(entry, "kind", where + ".", sorted(_KINDS))
    _known(entry, _KINDS[kind], where)
    where += "."
    checked = {"kind": kind, "pin": _whole(entry, "pin", where, 0, 48)}
    if checked["pin"] in _FLASH_PINS:
        raise ConfigError("%spin: pins 6 to 11 belong to the flash" % where)
    if checked["pin"] in _CONSOLE_PINS:
        raise ConfigError("%spin: pins 1 and 3 are the serial console" % where)
    checked["name"] = _text(entry, "name", where, 64)
    if kind == "analog":
        if checked["pin"] not in _ADC1_PINS and config.ssid is not None:
            raise ConfigError("%spin: ADC2 stops while Wi-Fi is on; use 32 to 39" % where)
        checked["type"] = _text(entry, "type", where, 64, checked["name"] + "_reading")
        checked["param"] = _text(entry, "param", where, 64, checked["name"])
        checked["every_ms"] = _whole(entry, "every_ms", where, 10, 3600000, 1000)
        checked["scale"] = _number(entry, "scale", where, 1)
        checked["offset"] = _number(entry, "offset", where, 0)
        checked["min_change"] = _number(entry, "min_change", where, 0, least=0)
        checked["heartbeat_s"] = _whole(entry, "heartbeat_s", where, 0, 86400, 300)
        return checked
    checked["pull"] = _choice(entry, "pull", where, ("up", "down", None))
    if checked["pull"] and checked["pin"] in _INPUT_ONLY_PINS:
        raise ConfigError("%spull: pins 34 to 39 have none; add a resistor" % where)
    checked["active"] = _choice(entry, "active", where, ("low", "high"), "low")
    checked["debounce_ms"] = _whole(entry, "debounce_ms", where, 0, 1000, 30)
    names = (
        ("buttonState", "pressed") if kind == "button" else (checked["name"] + "_state", "active")
    )
    checked["type"] = _text(entry, "type", where, 64, names[0])
    checked["param"] = _text(entry, "param", where, 64, names[1])
    checked["release"] = kind == "digital" or _flag(entry, "release", where, False)
    return checked


def _distinct(inputs):
    for field in ("name", "pin"):
        seen = [entry[field] for entry in inputs]
        for value in seen:
            if seen.count(value) > 1:
                raise ConfigError("inputs: two have the %s %s" % (field, value))
