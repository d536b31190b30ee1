"""Pins that the configuration names."""

from machine import Pin

from warden.settings import ConfigError


def pin(where, number, *arguments, **named):
    """`machine.Pin(number, ...)`. ConfigError with the field's name if the board cannot have it."""
    try:
        return Pin(number, *arguments, **named)
    except (ValueError, OSError) as error:
        raise ConfigError("%s: pin %d: %s" % (where, number, error)) from None
