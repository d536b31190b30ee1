"""A BME280 on an I2C bus; registers and formulas are those of its data sheet (BST-BME280-DS002).

It sleeps, measures once when told to (forced mode), and sleeps again.
"""

import struct

_ID, _BME280 = 0xD0, 0x60
_CALIBRATION, _CALIBRATION_HUMIDITY = 0x88, 0xE1
_CTRL_HUM, _STATUS, _CTRL_MEAS, _DATA = 0xF2, 0xF3, 0xF4, 0xF7
_ONCE = b"\x01"  # humidity, oversampling x1
_FORCED = b"\x25"  # temperature and pressure, oversampling x1; measure once
_MEASURING = 0x08
_LONGEST_MS = 10  # 9.3 ms by the data sheet's formula
_SKIPPED = 0x80000  # what is in a register that was not measured


class Bme280:
    """The wires of Sensors: `temperature` in degrees Celsius, relative `humidity` in percent,
    `pressure` in hPa. Its calibration is read again after a failure: it may be another chip."""

    def __init__(self, i2c, address, clock):
        self._i2c = i2c
        self._address = address
        self._clock = clock
        self._calibration = None
        self._started_at = 0

    def start(self):
        """Measure once. OSError if no sensor answers, ValueError if it is another one."""
        try:
            if self._calibration is None:
                self._calibration = self._calibrated()
            self._i2c.writeto_mem(self._address, _CTRL_HUM, _ONCE)  # in force by the next one
            self._i2c.writeto_mem(self._address, _CTRL_MEAS, _FORCED)
        except OSError:
            self._calibration = None
            raise
        self._started_at = self._clock.ticks()

    def read(self, settings):
        """None until the measurement is over."""
        if self._clock.since(self._started_at) < _LONGEST_MS:
            return None
        try:
            if self._get(_STATUS, 1)[0] & _MEASURING:
                raise ValueError("it does not finish")
            data = self._get(_DATA, 8)
            raw_p = data[0] << 12 | data[1] << 4 | data[2] >> 4
            raw_t = data[3] << 12 | data[4] << 4 | data[5] >> 4
            raw_h = data[6] << 8 | data[7]
            if raw_t == _SKIPPED:
                raise ValueError("it has not measured")
        except (OSError, ValueError):
            self._calibration = None
            raise
        fine = temperature_fine(self._calibration, raw_t)
        return {
            "temperature": celsius(fine),
            "humidity": humidity(self._calibration, raw_h, fine),
            "pressure": pressure(self._calibration, raw_p, fine) / 100,
        }

    def _calibrated(self):
        found = self._get(_ID, 1)[0]
        if found != _BME280:
            raise ValueError("no BME280 but a chip 0x%02x" % found)
        return calibration(self._get(_CALIBRATION, 26), self._get(_CALIBRATION_HUMIDITY, 7))

    def _get(self, register, length):
        return self._i2c.readfrom_mem(self._address, register, length)


def calibration(first, second):
    """(dig_T1 to T3, dig_P1 to P9, dig_H1 to H6) from registers 0x88 to 0xA1 and 0xE1 to 0xE7."""
    h2, h3, high4, both, high5, h6 = struct.unpack("<hBbBbb", second)
    h4 = high4 << 4 | both & 0x0F
    h5 = high5 << 4 | both >> 4
    return struct.unpack("<HhhHhhhhhhhh", first[:24]) + (first[25], h2, h3, h4, h5, h6)


def temperature_fine(digits, raw):
    """`t_fine`, which the other formulas take."""
    t1, t2, t3 = digits[:3]
    part = (raw >> 4) - t1
    return (((raw >> 3) - (t1 << 1)) * t2 >> 11) + ((part * part >> 12) * t3 >> 14)


def celsius(fine):
    """Degrees, in hundredths."""
    return (fine * 5 + 128 >> 8) / 100


def pressure(digits, raw, fine):
    """Pascal, by the formula in 64 bits."""
    p1, p2, p3, p4, p5, p6, p7, p8, p9 = digits[3:12]
    a = fine - 128000
    b = a * a * p6 + (a * p5 << 17) + (p4 << 35)
    a = (a * a * p3 >> 8) + (a * p2 << 12)
    a = ((1 << 47) + a) * p1 >> 33
    if a == 0:
        raise ValueError("its calibration is not usable")
    value = (((1048576 - raw) << 31) - b) * 3125 // a
    a = p9 * (value >> 13) * (value >> 13) >> 25
    b = p8 * value >> 19
    return ((value + a + b >> 8) + (p7 << 4)) / 256


def humidity(digits, raw, fine):
    """Percent, 0 to 100."""
    h1, h2, h3, h4, h5, h6 = digits[12:]
    a = fine - 76800
    b = (raw << 14) - (h4 << 20) - h5 * a + 16384 >> 15
    c = ((a * h6 >> 10) * ((a * h3 >> 11) + 32768) >> 10) + 2097152
    a = b * (c * h2 + 8192 >> 14)
    a -= ((a >> 15) * (a >> 15) >> 7) * h1 >> 4
    return (min(max(a, 0), 419430400) >> 12) / 1024
