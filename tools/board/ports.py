"""Which port the board is on."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from serial.tools.list_ports import comports

from tools.board.errors import BoardError

_BY_NETWORK = ("socket", "rfc2217")
"""Schemes of pyserial for a port of another machine."""


@dataclass(frozen=True)
class Port:
    """A USB serial port of this machine; `serial_number` is "" if it has none."""

    device: str
    description: str
    serial_number: str


def available() -> list[Port]:
    """The USB serial ports, by name. Others, built into PCs, hold no board."""
    found = [
        Port(port.device, port.description or "", port.serial_number or "")
        for port in comports()
        if port.vid is not None
    ]
    return sorted(found, key=lambda port: port.device)


def choose(named: str | None, ports: Sequence[Port] | None = None) -> str:
    """The port to use: the one that is named, else the only one of `ports`, this machine's.

    A name is a device path, a link to one, or a URL like socket://host:port. Raises BoardError,
    with the ports that there are.
    """
    ports = available() if ports is None else ports
    if named is None:
        if len(ports) == 1:
            return ports[0].device
        raise BoardError(_nothing_chosen(ports))
    if "://" in named:
        _check_url(named)
    elif named not in [port.device for port in ports]:
        _check_path(named, ports)
    return named


def _nothing_chosen(ports: Sequence[Port]) -> str:
    if ports:
        return f"which board? Name its port: {_listed(ports)}"
    return (
        "no board is on USB: plug it in with a cable that carries data (many only charge), then"
        " look again; a board behind a serial server is named like socket://host:port"
    )


def _listed(ports: Sequence[Port]) -> str:
    described = [
        f"{port.device} ({', '.join(filter(None, (port.description, port.serial_number)))})"
        for port in ports
    ]
    return "; ".join(described) if described else "none"


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in _BY_NETWORK and parts.hostname and parts.port
    except ValueError:
        usable = False
    if not usable:
        raise BoardError(f"{url} is no port: it must be like socket://192.168.1.20:4000")


def _check_path(name: str, ports: Sequence[Port]) -> None:
    path = Path(name)
    if not path.exists():
        raise BoardError(
            f"there is no port {name}; is the board plugged in? On USB now: {_listed(ports)}"
        )
    if not path.is_char_device():
        raise BoardError(f"{name} is no serial port; on USB now: {_listed(ports)}")
    if not os.access(path, os.R_OK | os.W_OK):
        raise BoardError(
            f"you may not use {name}, which belongs to the group {_group(path)}: run `sudo usermod"
            f" -aG {_group(path)} $USER`, log out and in, and try again"
        )


def _group(path: Path) -> str:
    try:
        return path.group()
    except (KeyError, OSError):
        return "dialout"
