"""Wi-Fi of the simulated board: connects as soon as asked, while the driver leaves it on."""

import machine

STA_IF = 0
_hostname = "mpy-esp32"


def hostname(name=None):
    global _hostname
    if name is None:
        return _hostname
    if len(name) > 32:
        raise ValueError("hostname too long")
    _hostname = name
    return None


class WLAN:
    def __init__(self, interface):
        if interface != STA_IF:
            raise ValueError("only a station is simulated")
        self._active = False
        self._asked = False

    def active(self, on=None):
        if on is None:
            return self._active
        self._active = bool(on)
        return None

    def scan(self):
        """[(ssid, bssid, channel, RSSI, security, hidden)]"""
        if not self._active:
            raise OSError("STA must be active")
        return [(b"home", b"\x02\x00\x00\x00\x00\x01", 6, -55, 3, False)] if machine.air[0] else []

    def connect(self, ssid, password=None):
        if not self._active:
            raise OSError("Wifi Not Started")
        self._asked = True

    def disconnect(self):
        self._asked = False

    def isconnected(self):
        return bool(self._active and self._asked and machine.air[0])

    def ifconfig(self):
        return ("127.0.0.1", "255.0.0.0", "127.0.0.1", "127.0.0.1")

    def status(self, what=None):
        if what == "rssi":
            return -55
        return 1010 if self.isconnected() else 201
