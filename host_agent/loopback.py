"""Which addresses are this machine itself."""

import ipaddress

_LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]


def is_loopback(host: str) -> bool:
    """Whether a host of a URL or a peer's address, an IPv6 one without brackets, stays here; an
    IPv4 address mapped to IPv6 counts as what it maps."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower() == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def own_names(host: str) -> list[str]:
    """What a request to a listener on `host` may name as its host. On loopback only this machine,
    so that no web page reaches it through a name of its own (DNS rebinding); else "*"."""
    own_name = f"[{host}]" if ":" in host else host
    return [*_LOOPBACK, own_name] if is_loopback(host) else ["*"]
