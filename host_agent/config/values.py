"""Checks of single values; each raises ValueError("<field>: <problem>")."""

import ipaddress
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from host_agent.loopback import is_loopback
from host_agent.securithings import url_problem


def check_url(field: str, url: str, example: str) -> None:
    """TLS, or this machine: the credentials travel with the requests."""
    if problem := url_problem(url):
        raise ValueError(f"{field}: {problem}")
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError(
            f"{field}: must be https, because the credentials travel with it, for example {example}"
        )


def check_address(field: str, text: str) -> None:
    """HOST:PORT, an IPv6 host in brackets."""
    host, _, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not bare or not port.isdecimal() or int(port) > 65535 or (":" in bare) != (bare != host):
        raise ValueError(
            f'{field}: must be "HOST:PORT" with a port up to 65535 (0: any free one),'
            ' for example "127.0.0.1:8710" or "[::]:8710"'
        )


def address(text: str) -> tuple[str, int]:
    """(host, port) of a checked address, the host without brackets."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def check_proxies(field: str, proxies: Iterable[str]) -> None:
    """Each an address or a network."""
    for proxy in proxies:
        try:
            ipaddress.ip_network(proxy, strict=False)
        except ValueError:
            raise ValueError(
                f'{field}: {proxy!r} must be an address or a network, for example "10.0.0.0/8"'
            ) from None


def check_file(field: str, path: str, example: str) -> None:
    if "\0" in path or not Path(path).name:
        raise ValueError(f'{field}: must name a file, for example "{example}"')
