"""Checks of single fields of config.json; each returns the value or raises a ConfigError."""

import binascii
import math

from warden import characters
from warden.settings import ConfigError

_NAME_MARKS = "._-"
_FLASH_PINS = (6, 7, 8, 9, 10, 11)
_CONSOLE_PINS = (1, 3)
_INPUT_ONLY_PINS = (34, 35, 36, 37, 38, 39)
_BOOT_PINS = (0, 2, 5, 12, 14, 15)  # they strap, or pulse, while the chip starts


def known(table, names, where):
    """`table` must be an object with no other fields than `names`."""
    if not isinstance(table, dict):
        raise ConfigError("%s: an object { ... }" % where)
    for name in table:
        if name not in names:
            listed = ", ".join(names)
            raise ConfigError("%s: unknown field %s; known are %s" % (where, name, listed))


def text(table, field, where, longest, default=None):
    """A text; empty only if the default is."""
    value = table.get(field, default)
    if isinstance(value, str):
        value = characters.whole(value)
    if not isinstance(value, str) or len(value) > longest or (not value and default != ""):
        least = 0 if default == "" else 1
        raise ConfigError("%s%s: a text of %d to %d characters" % (where, field, least, longest))
    return value


def line(table, field, where, longest, default=None):
    """A text without control characters."""
    value = text(table, field, where, longest, default)
    if any(ord(c) < 32 or ord(c) == 127 for c in value):
        raise ConfigError("%s%s: no control characters" % (where, field))
    return value


def is_name(value):
    """Letters, digits and . _ - only, a letter or digit first."""
    return value[0] not in _NAME_MARKS and all(
        c in _NAME_MARKS or "0" <= c <= "9" or "a" <= c.lower() <= "z" for c in value
    )


def whole(table, field, where, least, most, default=None):
    """A whole number from `least` to `most`."""
    value = table.get(field, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ConfigError("%s%s: a whole number from %d to %d" % (where, field, least, most))
    return value


def number(table, field, where, default, least=-1e9):
    """A finite number from `least` to 1e9."""
    value = table.get(field, default)
    if (
        not isinstance(value, (int, float))
        or isinstance(value, bool)
        or (isinstance(value, float) and not math.isfinite(value))
        or not least <= value <= 1e9
    ):
        raise ConfigError("%s%s: a number from %d to 1000000000" % (where, field, least))
    return value


def flag(table, field, where, default):
    """True or false."""
    value = table.get(field, default)
    if not isinstance(value, bool):
        raise ConfigError("%s%s: true or false" % (where, field))
    return value


def choice(table, field, where, choices, default=None):
    """One of `choices`."""
    value = table.get(field, default)
    if value not in choices:
        listed = ", ".join([str(one) for one in choices])
        raise ConfigError("%s%s: one of %s" % (where, field, listed))
    return value


def secret(table, field, where, length, origin):
    """`length` bytes from strict base64; `origin` tells who makes it. It is never in an error."""
    value = table.get(field)
    data = b""
    if isinstance(value, str) and len(value) <= 64:
        try:
            data = binascii.a2b_base64(value)
        except ValueError:
            pass
    if len(data) != length or binascii.b2a_base64(data).strip() != value.encode():
        raise ConfigError("%s%s: %d bytes in base64, as %s" % (where, field, length, origin))
    return data


def pin(number, where):
    """A pin that is free on a stock board."""
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= 48:
        raise ConfigError("%s: a whole number from 0 to 48" % where)
    if number in _FLASH_PINS:
        raise ConfigError("%s: pins 6 to 11 belong to the flash" % where)
    if number in _CONSOLE_PINS:
        raise ConfigError("%s: pins 1 and 3 are the serial console" % where)
    return number


def is_input_only(number):
    """Has neither an output nor a pull."""
    return number in _INPUT_ONLY_PINS


def driving(number, where):
    """A pin that can be an output."""
    if is_input_only(pin(number, where)):
        raise ConfigError("%s: pins 34 to 39 are inputs only" % where)
    return number


def steady(number, where):
    """A pin that can be an output, and does not move while the board starts."""
    if driving(number, where) in _BOOT_PINS:
        raise ConfigError("%s: pin %d moves while the board starts" % (where, number))
    return number


def address(value, default_port=None):
    """(host, port) of "host:port", None if it is no such text; without a default the port must
    be there."""
    host, colon, port = value.partition(":")
    if not host or not all("!" <= c <= "~" and c not in "/?#@" for c in value):
        return None
    if not colon:
        return default_port and (host, default_port)
    usable = port.isdigit() and len(port) < 6 and 1 <= int(port) <= 65535
    return (host, int(port)) if usable else None
