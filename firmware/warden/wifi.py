"""Keeps the station connected without ever waiting for it."""

import network

_RETRY_MS = 20000


class Wifi:
    """`up` tells whether there is a network; `tick` connects again when it was away too long."""

    def __init__(self, ssid, password, hostname, clock):
        self._clock = clock
        self._ssid = ssid
        self._password = password
        self._tried = None
        network.hostname(hostname[:32])
        self._wlan = network.WLAN(network.STA_IF)
        self._was_up = False
        self._wlan.active(True)

    def tick(self):
        """Connect or reconnect if needed; returns at once."""
        up = self.up
        if up != self._was_up:
            self._was_up = up
            print("wifi:", "connected as " + self._wlan.ifconfig()[0] if up else "lost")
        now = self._clock.uptime()
        if up:
            self._tried = None
        elif self._tried is None or now - self._tried >= _RETRY_MS:
            if self._tried is not None:
                self._wlan.disconnect()
            self._tried = now
            self._wlan.connect(self._ssid, self._password)

    @property
    def up(self):
        return self._wlan.isconnected()

    def rssi(self):
        """Signal strength in dBm, None without a connection."""
        return self._wlan.status("rssi") if self.up else None
