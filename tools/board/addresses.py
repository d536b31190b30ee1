"""This machine's addresses that a board could report to."""

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass

import ifaddr

_VIRTUAL = ("docker", "br-", "veth", "virbr", "vmnet", "vbox", "tun", "tap", "utun", "wg", "tail")
"""How interfaces to containers, virtual machines and tunnels begin: no board is behind one."""


@dataclass(frozen=True)
class Address:
    """An IPv4 address and the interface that has it."""

    ip: str
    interface: str

    @property
    def virtual(self) -> bool:
        return self.interface.lower().startswith(_VIRTUAL)


def addresses() -> list[Address]:
    """Those of this machine, the likely ones first."""
    return reachable(
        Address(str(ip.ip), adapter.nice_name)
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
        if ip.is_IPv4
    )


def reachable(found: Iterable[Address]) -> list[Address]:
    """Without this machine's loopback; addresses that nobody assigned, and virtual ones, last."""
    outside = [one for one in found if not ipaddress.ip_address(one.ip).is_loopback]
    return sorted(
        outside, key=lambda one: (one.virtual, ipaddress.ip_address(one.ip).is_link_local)
    )


def local_name() -> str | None:
    """`<this machine>.local`, as mDNS announces it; None if it has no name of its own."""
    name = socket.gethostname().partition(".")[0]
    return None if name in ("", "localhost") else f"{name}.local"
