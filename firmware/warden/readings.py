"""What a sensor measured: when to measure, what is news, and how often nothing came."""


class Readings:
    """Passes on to `report(type, params, uptime)` what is news of the values of one sensor.

    They are news when one of them changed by at least `min_change` since the last report, and every
    `heartbeat_s` in any case (0: never). `settings` has these, `name`, `type` and `every_ms`.

    `missed` counts the measurements that failed; the console hears of the first in a row and of the
    end.
    """

    def __init__(self, settings, clock, report):
        self.settings = settings
        self.missed = 0
        self._clock = clock
        self._report = report
        self._measured_at = None
        self._told = None
        self._told_at = 0
        self._is_failing = False

    def due(self):
        """Is it time to measure? True once for each time. Allocates nothing."""
        clock = self._clock
        if self._measured_at is not None and (
            clock.since(self._measured_at) < self.settings["every_ms"]
        ):
            return False
        self._measured_at = clock.ticks()
        return True

    def take(self, values):
        """What was measured: param -> number."""
        if self._is_failing:
            self._is_failing = False
            print("input %s: reads again" % self.settings["name"])
        values = {param: round(value, 2) for param, value in values.items()}
        if self._is_news(values):
            self._told = values
            self._told_at = self._clock.ticks()
            self._report(self.settings["type"], values, self._clock.uptime())

    def failed(self, error):
        """There was no measurement."""
        self.missed += 1
        if not self._is_failing:
            self._is_failing = True
            why = str(error) or type(error).__name__
            print("input %s: no reading: %s" % (self.settings["name"], why))

    def _is_news(self, values):
        if self._told is None:
            return True
        heartbeat_ms = self.settings["heartbeat_s"] * 1000
        if heartbeat_ms and self._clock.since(self._told_at) >= heartbeat_ms:
            return True
        for param, value in values.items():
            told = self._told[param]
            if value != told and abs(value - told) >= self.settings["min_change"]:
                return True
        return False
