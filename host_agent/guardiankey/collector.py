"""The asynchronous collector: one datagram, no answer (WIRE.md B3)."""

import socket

from host_agent.guardiankey.bounded import Bounded
from host_agent.guardiankey.verdict import Sent

_lookups = Bounded(16, "collector-dns")


def send_datagram(collector: tuple[str, int], datagram: bytes, within_s: float) -> Sent:
    """Hands the datagram to the network; only the look-up of the name can wait. Never raises."""
    host, port = collector
    try:
        family, kind, protocol, _, address = _lookups.run(
            lambda: socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM), within_s
        )[0]
        with socket.socket(family, kind, protocol) as sender:
            sender.setblocking(False)
            sender.sendto(datagram, address)
    except (OSError, RuntimeError, ValueError) as error:
        words = getattr(error, "strerror", None) or str(error) or "timed out"
        return Sent(False, f"the collector cannot be reached: {words}", retry=True)
    return Sent(True)
