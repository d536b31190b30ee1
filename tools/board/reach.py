"""What listens, seen from this machine."""

import socket

from host_agent.config import Settings

_CONNECT_S = 3


def listens(host: str, port: int) -> bool:
    """Whether a TCP connection to there is taken."""
    try:
        socket.create_connection((host, port), _CONNECT_S).close()
    except (OSError, UnicodeError):  # the latter for a name that cannot be one
        return False
    return True


def agent_listens(settings: Settings) -> bool:
    """Whether an agent runs here, where these settings put its device link."""
    host, port = settings.link.address
    return listens({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port)  # noqa: S104
