"""Which addresses are this machine itself."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether a host of a URL or a peer's address, an IPv6 one without brackets, stays here; an
    IPv4 address mapped to IPv6 counts as what it maps."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower() == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
