"""A voltage as a reading: millivolts * scale + offset."""

from warden.readings import Readings

_SAMPLES = 8


class Analog:
    """The mean of some samples, each time that `Readings` wants it."""

    missed = 0

    def __init__(self, adc, settings, clock, report):
        self._adc = adc
        self._readings = Readings(settings, clock, report)

    def tick(self):
        """Sample when it is time to."""
        if not self._readings.due():
            return
        microvolts = 0
        for _ in range(_SAMPLES):
            microvolts += self._adc.read_uv()
        settings = self._readings.settings
        value = microvolts / (_SAMPLES * 1000) * settings["scale"] + settings["offset"]
        self._readings.take({settings["param"]: value})
