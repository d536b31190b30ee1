"""What the simulated board's sensors have around them, set by the driver.

A sensor is known by its data pin (for I2C its SDA) and its number there, 0 to 3. Number 0 is always
plugged in at start. Arrays, for two threads use them.
"""

from array import array

_PINS = 40
_NUMBERS = 4
_QUANTITIES = ("temperature", "humidity", "pressure")  # degrees Celsius, percent, hPa
_values = array("i", [20000] * 160 + [50000] * 160 + [1013250] * 160)  # thousandths
_plugged = bytearray([1] * _PINS + [0] * 120)
_powered = bytearray(_PINS * _NUMBERS)  # how often it was plugged in, modulo 256
_garbled = bytearray(_PINS * _NUMBERS)


def obey(pin, number, what, thousandths):
    """The driver's line `sensor PIN NUMBER WHAT THOUSANDTHS`."""
    slot = number * _PINS + pin
    if what == "plugged":
        if thousandths and not _plugged[slot]:
            _powered[slot] = (_powered[slot] + 1) & 0xFF
        _plugged[slot] = bool(thousandths)
    elif what == "garbled":
        _garbled[slot] = bool(thousandths)
    else:
        _values[_QUANTITIES.index(what) * _PINS * _NUMBERS + slot] = thousandths


class Sensor:
    """One sensor's place; `power` differs from before after it was plugged in anew."""

    def __init__(self, pin, number=0):
        self._slot = number * _PINS + pin

    @property
    def plugged(self):
        return bool(_plugged[self._slot])

    @property
    def power(self):
        return _powered[self._slot]

    @property
    def garbled(self):
        return bool(_garbled[self._slot])

    def thousandths(self, quantity):
        return _values[_QUANTITIES.index(quantity) * _PINS * _NUMBERS + self._slot]
