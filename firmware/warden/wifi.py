"""Keeps the station connected without ever waiting for it."""

import network

_RETRY_MS = 20000


class Wifi:
    """`up` tells whether there is a network; `tick` connects again when it was away too long."""

    def __init__(self, ssid, password, hostname, clock):
        self._clock = clock
        self._ssid = ssid
        self._password = password
        self._tried_at = None
        network.hostname(hostname[:32])
        self._wlan = network.WLAN(network.STA_IF)
        self._was_up = False

    def tick(self):
        """Connect or reconnect if needed; returns at once."""
        up = self.up
        if up != self._was_up:
            self._was_up = up
            print("wifi:", "connected as " + self._wlan.ifconfig()[0] if up else "lost")
        if up:
            self._tried_at = None
        elif self._tried_at is None or self._clock.since(self._tried_at) >= _RETRY_MS:
            again = self._tried_at is not None
            self._tried_at = self._clock.ticks()
            self._wlan.active(True)
            if again:
                self._wlan.disconnect()
            self._wlan.connect(self._ssid, self._password)

    @property
    def up(self):
        return self._wlan.isconnected()

    def address(self):
        """The station's address, None without a connection."""
        return self._wlan.ifconfig()[0] if self.up else None

    def rssi(self):
        """Signal strength in dBm, None without a connection."""
        return self._wlan.status("rssi") if self.up else None
