"""Sensors that take their time to measure: started, and read when they are ready."""


class Sensors:
    """Sensors on the same wires: all that are due measure at once and are read one a turn.

    `wires` knows how, and never waits: `start()`, then `read(settings)` until it gives the values
    (param -> number) instead of None. Whatever either raises is a failed measurement: the drivers
    of MicroPython raise bare Exceptions. `readings` has a Readings for each sensor.
    """

    def __init__(self, wires, readings):
        self._wires = wires
        self._readings = readings
        self._unread = []

    @property
    def missed(self):
        """Measurements that failed."""
        return sum([readings.missed for readings in self._readings])

    def tick(self):
        """Start or read what is due. Allocates nothing while nothing is."""
        if self._unread:
            self._read(self._unread[-1])
            return
        for readings in self._readings:
            if readings.due():
                self._unread.append(readings)
        if self._unread:
            self._start()

    def _start(self):
        try:
            self._wires.start()
        except Exception as error:
            while self._unread:
                self._unread.pop().failed(error)

    def _read(self, readings):
        try:
            values = self._wires.read(readings.settings)
        except Exception as error:
            self._unread.pop()
            readings.failed(error)
            return
        if values is not None:
            self._unread.pop()
            readings.take(values)
