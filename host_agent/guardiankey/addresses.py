"""Whose address a request came from, and what it is called."""

import ipaddress
import socket
from collections.abc import Iterable

from host_agent.guardiankey.bounded import Bounded
from host_agent.guardiankey.errors import GuardianKeyError

REVERSE_S = 0.5
"""How long a login may wait for a name."""

_lookups = Bounded(4, "reverse-dns")

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_address(peer: str, forwarded_for: str | None, trusted_proxies: Iterable[str]) -> str:
    """The client's address of a request from `peer` with this X-Forwarded-For header.

    The header counts only as far as proxies in `trusted_proxies` (addresses or networks) wrote it:
    from its right end, the first address that is no trusted proxy. What is no address ends the
    search at the proxy that sent it. Anybody else could write anything there. An IPv4 address
    mapped to IPv6 becomes what it maps; empty if `peer` is no address (a Unix socket). Raises
    GuardianKeyError for a trusted proxy that is neither address nor network.
    """
    networks = [_network(proxy) for proxy in trusted_proxies]
    client = _address(peer)
    if client is None:
        return ""
    hops = [hop for hop in (forwarded_for or "").split(",") if hop.strip()]
    while hops and any(client in network for network in networks):
        sender = _address(hops.pop().strip())
        if sender is None:
            break
        client = sender
    return str(client)


def reverse_name(address: object, within_s: float = REVERSE_S) -> str:
    """The name that DNS has for an address; empty if there is none in time. Never raises."""

    if not isinstance(address, str) or _address(address) is None:
        return ""
    peer = (address, 0)
    try:
        return _lookups.run(lambda: socket.getnameinfo(peer, socket.NI_NAMEREQD)[0], within_s)
    except (OSError, RuntimeError, ValueError):  # TimeoutError is an OSError
        return ""


def _network(text: str) -> _Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise GuardianKeyError(
            f"trusted proxy {text!r} must be an address or a network like 10.0.0.0/8"
        ) from None


def _address(text: str) -> _Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
