"""A DHT22 (AM2302), by the driver in the ESP32 image.

That driver waits for 268 ms before the sensor sends, so it works in a thread of its own. While the
sensor sends, nothing else runs, for 5 ms.
"""

from dht import DHT22

from warden.worker import Worker

_REST_MS = 2000  # data sheet: after its power came, and after an answer
_STACK = 5120


class Dht22:
    """The wires of Sensors: `temperature` in degrees Celsius, relative `humidity` in percent."""

    def __init__(self, pin, clock):
        self._driver = DHT22(pin)
        self._worker = Worker(_measured, _STACK)
        self._clock = clock
        self._rests_since = clock.ticks()
        self._is_asked = False

    def start(self):
        """The sensor is asked as soon as it can answer."""
        self._is_asked = False

    def read(self, settings):
        """None until it has answered."""
        if not self._is_asked:
            if self._clock.since(self._rests_since) >= _REST_MS:
                self._is_asked = True
                self._worker.give(self._driver)
            return None
        result = self._worker.take()
        if result is not None:
            self._rests_since = self._clock.ticks()
        if isinstance(result, Exception):
            raise result
        return result


def _measured(driver):
    driver.measure()
    return {"temperature": driver.temperature(), "humidity": driver.humidity()}
