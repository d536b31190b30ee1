"""Who sent a request, as far as that can be believed."""

import ipaddress
from collections.abc import Sequence

from starlette.requests import HTTPConnection

from host_agent.guardiankey import client_address

MAX_USER_AGENT = 256
_ANYBODY = "192.0.2.1"
"""An address of nobody (RFC 5737), which is believed from a trusted proxy only."""


def client_of(request: HTTPConnection, trusted_proxies: Sequence[str]) -> str:
    """The client's address; "" if the peer has none. X-Forwarded-For counts from those only."""
    peer = request.client.host if request.client else ""
    forwarded_for = ",".join(request.headers.getlist("x-forwarded-for"))
    return client_address(peer, forwarded_for, trusted_proxies)


def user_agent_of(request: HTTPConnection) -> str:
    """What it calls itself, cut to MAX_USER_AGENT characters."""
    return request.headers.get("user-agent", "")[:MAX_USER_AGENT]


def came_by_https(request: HTTPConnection, trusted_proxies: Sequence[str]) -> bool:
    """Whether a trusted proxy says, in X-Forwarded-Proto, that it was asked over TLS."""
    proxy = request.client.host if request.client else ""
    if client_address(proxy, _ANYBODY, trusted_proxies) != _ANYBODY:
        return False
    return request.headers.get("x-forwarded-proto", "").strip().lower() == "https"


def site_of(address: str) -> str:
    """What one client can have many addresses of: the /64 of an IPv6 address; else the address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed.packed[:8] + bytes(8), 64)))
