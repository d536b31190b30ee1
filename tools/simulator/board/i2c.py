"""I2C of the simulated board: sensors BME280 at 0x76 (number 0 on the SDA pin) and 0x77 (1).

A sensor holds the calibration of the data sheet's example and measures what, by the formulas in
floating point of the data sheet, comes out as what the driver has set.
"""

import struct
import time
from errno import ENODEV

from surroundings import Sensor

_FIRST = 0x76
_T = 27504, 26435, -1000
_P = 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000
_H = 75, 370, 0, 301, 50, 30
_MEASURING_MS = 8  # typical, oversampling x1


class SoftI2C:
    def __init__(self, scl, sda, *, freq=400000, timeout=50000):
        if scl._number >= 34 or sda._number >= 34:
            raise ValueError("pin can only be input")
        self._sensors = [_Bme280(sda._number, number) for number in range(2)]

    def scan(self):
        return [_FIRST + n for n, sensor in enumerate(self._sensors) if sensor.present()]

    def writeto_mem(self, address, register, data):
        self._sensor(address).write(register, data)

    def readfrom_mem(self, address, register, length):
        return self._sensor(address).read(register, length)

    def readfrom_mem_into(self, address, register, buffer):
        buffer[:] = self.readfrom_mem(address, register, len(buffer))

    def _sensor(self, address):
        if address not in self.scan():
            raise OSError(ENODEV)
        return self._sensors[address - _FIRST]


class I2C(SoftI2C):
    """One of the two in hardware."""

    def __init__(self, id=0, *, scl, sda, freq=400000, timeout=50000):
        if id not in (0, 1):
            raise ValueError("I2C(%s) doesn't exist" % id)
        super().__init__(scl, sda, freq=freq, timeout=timeout)


class _Bme280:
    def __init__(self, pin, number):
        self._sensor = Sensor(pin, number)
        self._reset()

    def present(self):
        if not self._sensor.plugged:
            return False
        if self._power != self._sensor.power:
            self._reset()
        return True

    def write(self, register, data):
        for value in data:
            self._registers[register] = value
            if register == 0xF4:
                # What was written to ctrl_hum counts from here on.
                self._has_humidity = bool(self._registers[0xF2] & 0x07)
                if value & 0x03 in (1, 2):
                    self._started_at = time.ticks_ms()
            register += 1

    def read(self, register, length):
        if self._started_at is not None:
            if time.ticks_diff(time.ticks_ms(), self._started_at) < _MEASURING_MS:
                self._registers[0xF3] = 0x08
            else:
                self._started_at = None
                self._registers[0xF3] = 0
                self._registers[0xF4] &= ~0x03
                self._measure()
        return bytes(self._registers[register : register + length])

    def _reset(self):
        self._power = self._sensor.power
        self._started_at = None
        self._has_humidity = False
        self._registers = bytearray(256)
        self._registers[0xD0] = 0x60
        self._registers[0x88:0xA0] = struct.pack("<HhhHhhhhhhhh", *(_T + _P))
        self._registers[0xA1] = _H[0]
        _, h2, h3, h4, h5, h6 = _H
        split = (h4 & 0x0F) | (h5 & 0x0F) << 4
        self._registers[0xE1:0xE8] = struct.pack("<hBbBbb", h2, h3, h4 >> 4, split, h5 >> 4, h6)
        self._store(0x80000, 0x80000, 0x8000)

    def _measure(self):
        wanted = [self._sensor.thousandths(what) / 1000 for what in ("temperature", "humidity")]
        hectopascal = self._sensor.thousandths("pressure") / 1000
        raw_t = _raw(lambda raw: _fine(raw) / 5120, wanted[0], 1 << 20)
        fine = _fine(raw_t)
        raw_p = _raw(lambda raw: -_pressure(raw, fine), -hectopascal * 100, 1 << 20)
        raw_h = 0x8000
        if self._has_humidity:
            raw_h = _raw(lambda raw: _humidity(raw, fine), wanted[1], 1 << 16)
        self._store(raw_p, raw_t, raw_h)

    def _store(self, raw_p, raw_t, raw_h):
        words = struct.pack(">IIH", raw_p << 12, raw_t << 12, raw_h)
        self._registers[0xF7:0xFF] = words[:3] + words[4:7] + words[8:]


def _raw(formula, wanted, end):
    """The raw value that a rising formula turns into what is wanted."""
    low, high = 0, end - 1
    while low < high:
        middle = (low + high) // 2
        if formula(middle) < wanted:
            low = middle + 1
        else:
            high = middle
    return low


def _fine(raw):
    a = (raw / 16384 - _T[0] / 1024) * _T[1]
    b = (raw / 131072 - _T[0] / 8192) ** 2 * _T[2]
    return a + b


def _pressure(raw, fine):
    a = fine / 2 - 64000
    b = a * a * _P[5] / 32768 + a * _P[4] * 2
    b = b / 4 + _P[3] * 65536
    a = (1 + (_P[2] * a * a / 524288 + _P[1] * a) / 524288 / 32768) * _P[0]
    value = (1048576 - raw - b / 4096) * 6250 / a
    return value + (_P[8] * value * value / 2147483648 + value * _P[7] / 32768 + _P[6]) / 16


def _humidity(raw, fine):
    h1, h2, h3, h4, h5, h6 = _H
    a = fine - 76800
    slope = h2 / 65536 * (1 + h6 / 67108864 * a * (1 + h3 / 67108864 * a))
    value = (raw - (h4 * 64 + h5 / 16384 * a)) * slope
    return value * (1 - h1 * value / 524288)
