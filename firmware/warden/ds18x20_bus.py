"""Thermometers DS18B20, DS18S20 and DS1822 on a 1-Wire bus, by the drivers in the ESP32 image.

A turn of the loop takes some 14 ms for each sensor when the bus is searched, 12 ms to read one.
"""

import binascii

from ds18x20 import DS18X20
from onewire import OneWire

_CONVERSION_MS = 750  # data sheet: at the highest resolution, which they start with
_POWER_ON = 85  # degrees; what a sensor says that has not measured since its power came


class Ds18x20Bus:
    """The wires of Sensors: `read` takes the sensor with the `rom` of its settings (hex), else the
    first one found, and gives its temperature in degrees Celsius as `param`.

    The bus is searched only for a sensor without `rom`, and again after a failure.
    """

    def __init__(self, pin, settings, clock):
        self._pin = pin
        self._driver = DS18X20(OneWire(pin))
        self._clock = clock
        self._searches = any(not one["rom"] for one in settings)
        self._found = []
        self._first = ""
        self._started_at = 0

    def start(self):
        """All sensors on the bus measure."""
        if not self._pin.value():
            raise ValueError("the wire is held low")  # to search it would take seconds
        if self._searches and not self._first:
            self._search()
        self._driver.convert_temp()
        self._started_at = self._clock.ticks()

    def read(self, settings):
        """None until the measurement is over."""
        if self._clock.since(self._started_at) < _CONVERSION_MS:
            return None
        rom = binascii.unhexlify(settings["rom"] or self._first)
        try:
            celsius = self._driver.read_temp(rom)
            if not any(self._driver.buf):  # its checksum is right, too
                raise ValueError("the wire is held low")
            if celsius == _POWER_ON:
                raise ValueError("it has not measured: 85 degrees")
        except Exception:
            self._first = ""
            raise
        return {settings["param"]: celsius}

    def _search(self):
        roms = sorted([str(binascii.hexlify(rom), "ascii") for rom in self._driver.scan()])
        if not roms:
            raise ValueError("no sensor answers")
        if roms != self._found:
            self._found = roms
            print("ds18x20: found", ", ".join(roms))
        self._first = roms[0]
