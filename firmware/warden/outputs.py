"""Outputs that commands switch: relays, lamps, sirens."""

from machine import Pin

from warden.pins import pin


class Outputs:
    """Each has its initial level from the first moment on, and keeps what it was switched to.

    `settings`: name -> `pin`, `active` ("high" or "low": the level that is on), `initial` ("on" or
    "off").
    """

    def __init__(self, settings):
        self._outputs = {}
        for name, output in settings.items():
            active = 1 if output["active"] == "high" else 0
            on = output["initial"] == "on"
            # The level comes with the pin: one that is set later would switch for a moment.
            made = pin("commands." + name, output["pin"], Pin.OUT, value=_level(active, on))
            self._outputs[name] = made, active

    def __contains__(self, name):
        return name in self._outputs

    def switch(self, name, on):
        """Switch an output on or off."""
        made, active = self._outputs[name]
        made.value(_level(active, on))


def _level(active, on):
    return active if on else 1 - active
