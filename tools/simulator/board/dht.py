"""`dht` of a stock ESP32. A measurement blocks as long as there, and the sensor keeps its pace."""

import time
from errno import ETIMEDOUT

from surroundings import Sensor

_BEFORE_MS = 250 + 18  # drivers/dht/dht.c waits, and then pulls the wire down
_ANSWER_MS = 5
_PACE_MS = {"DHT11": 1000, "DHT22": 2000}


class DHTBase:
    def __init__(self, pin):
        self.pin = pin
        self.buf = bytearray(5)
        self._sensor = Sensor(pin._number)
        self._answered_at = None

    def measure(self):
        self.pin.init(self.pin.OPEN_DRAIN)
        time.sleep_ms(_BEFORE_MS)
        pace_ms = _PACE_MS[type(self).__name__]
        early = self._answered_at is not None and (
            time.ticks_diff(time.ticks_ms(), self._answered_at) < pace_ms
        )
        if not self._sensor.plugged or early:
            raise OSError(ETIMEDOUT)
        time.sleep_ms(_ANSWER_MS)
        self._answered_at = time.ticks_ms()
        self.buf[:4] = self._sensed()
        self.buf[4] = sum(self.buf[:4]) + self._sensor.garbled & 0xFF
        if sum(self.buf[:4]) & 0xFF != self.buf[4]:
            raise Exception("checksum error")  # noqa: TRY002 - as the driver does

    def _tenths(self, quantity):
        return round(self._sensor.thousandths(quantity) / 100)


class DHT11(DHTBase):
    def humidity(self):
        return self.buf[0]

    def temperature(self):
        return self.buf[2]

    def _sensed(self):
        return bytes([self._tenths("humidity") // 10, 0, self._tenths("temperature") // 10, 0])


class DHT22(DHTBase):
    def humidity(self):
        return (self.buf[0] << 8 | self.buf[1]) * 0.1

    def temperature(self):
        degrees = ((self.buf[2] & 0x7F) << 8 | self.buf[3]) * 0.1
        return -degrees if self.buf[2] & 0x80 else degrees

    def _sensed(self):
        humidity, temperature = self._tenths("humidity"), self._tenths("temperature")
        sign = 0x80 if temperature < 0 else 0
        high = sign | abs(temperature) >> 8
        return bytes([humidity >> 8, humidity & 0xFF, high, abs(temperature) & 0xFF])
