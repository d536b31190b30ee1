"""The table [serial] of agent.toml."""

from urllib.parse import urlsplit

import msgspec

MAX_PORTS = 32

_SOCKET = "socket://"


class SerialSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The serial ports that boards are expected at: paths, glob patterns, socket://HOST:PORT."""

    ports: list[str] = []

    def __post_init__(self) -> None:
        if len(self.ports) > MAX_PORTS:
            raise ValueError(f"ports: at most {MAX_PORTS}; a pattern may stand for several")
        for port in self.ports:
            if not (_is_path(port) or _is_socket(port)):
                raise ValueError(
                    f"ports: {port!r} must be the whole path of a device or a pattern of such"
                    ' paths, for example "/dev/ttyUSB0" or "/dev/ttyUSB*", or "socket://HOST:PORT"'
                )


def _is_path(port: str) -> bool:
    return port.startswith("/") and port.isprintable()


def _is_socket(port: str) -> bool:
    if not port.startswith(_SOCKET) or not port.isprintable():
        return False
    try:
        parts = urlsplit(port)
        return bool(parts.hostname and parts.port) and port == f"{_SOCKET}{parts.netloc}"
    except ValueError:
        return False
