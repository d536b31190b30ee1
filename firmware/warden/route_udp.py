"""Attempts as datagrams to GuardianKey's collector: fire and forget, no verdict (WIRE.md B3)."""

import socket
from errno import ETIMEDOUT
from time import ticks_diff, ticks_ms

from warden.direct_route import DirectRoute


class UdpRoute(DirectRoute):
    """`settings.collector` is "host:port"; a name is looked up anew for every attempt."""

    def __init__(self, settings, deadline_ms=4000):
        host, port = settings.collector.rsplit(":", 1)
        self._collector = host, int(port)
        self._prefix = settings.auth_group_id.encode() + b"|"
        super().__init__(self._datagram, deadline_ms, 8192)

    def _datagram(self, message, ask, until):
        host, port = self._collector
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, 0, socket.SOCK_DGRAM)[0]
        if ticks_diff(until, ticks_ms()) <= 0:
            raise OSError(ETIMEDOUT)
        sock = socket.socket(family, kind, protocol)
        try:
            sock.sendto(self._prefix + message, address)
        finally:
            sock.close()
        return "SENT", False, ""
