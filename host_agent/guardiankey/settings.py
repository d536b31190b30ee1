"""What a client can be set to: the defaults, and the checks of anything else (WIRE.md part B)."""

import math
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from host_agent.guardiankey.errors import GuardianKeyError
from host_agent.loopback import is_loopback

DEFAULT_API = "https://api.guardiankey.io"
KEY_BYTES = 32
IV_BYTES = 16
"""Of an account's AES-256 (WIRE.md B2)."""
DEFAULT_COLLECTOR = ("collector.guardiankey.net", 8888)
TIMEOUT = (1.0, 4.0)
"""Seconds to connect, and in all (WIRE.md B6)."""

HEADERS = {"Accept": "application/json", "User-Agent": "ThingWarden"}
"""Of every request, besides its Content-Type."""


def api_problem(url: str) -> str | None:
    """Why no request could go to this base URL, as words that follow its name; None if one can.

    Plain http is for this machine only: a v2 event is not encrypted.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("https", "http") and parts.hostname and parts.port != 0
        url.encode("ascii")
    except ValueError:
        usable = None
    if not usable or parts.query or parts.fragment or not url.isprintable() or " " in url:
        return f"must be like {DEFAULT_API}"
    if "@" in parts.netloc:
        return "must not carry credentials"
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        return "must be https: plain http is for this machine only"
    return None


def joined(api: str, path: str) -> str:
    """The URL of `path` below the base URL `api`, with one slash in between."""
    return f"{api.rstrip('/')}/{path.lstrip('/')}"


def check_api(url: object) -> str:
    """`url` itself. Raises GuardianKeyError."""
    if not isinstance(url, str):
        raise GuardianKeyError("api must be a text")
    if problem := api_problem(url):
        raise GuardianKeyError(f"api {problem}")
    return url


def check_timeout(timeout: object) -> tuple[float, float]:
    """`timeout` itself. Raises GuardianKeyError."""
    match timeout:
        case (int() | float() as connect, int() | float() as total) if (
            0 < connect < math.inf and 0 < total < math.inf
        ):
            return connect, total
    raise GuardianKeyError("timeout must be (connect, total) in seconds, both above 0")


def check_collector(collector: object) -> tuple[str, int]:
    """`collector` itself. Raises GuardianKeyError."""
    match collector:
        case (str() as host, int() as port) if host and 0 < port < 65536:
            return host, port
    raise GuardianKeyError("collector must be (host, port) with a port from 1 to 65535")


def tls_context(ca: str | Path | None) -> ssl.SSLContext | None:
    """Verifies servers against the authorities in the PEM file `ca`; None without one, for the
    usual. Raises GuardianKeyError if the file cannot be used."""
    if ca is None:
        return None
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ValueError, TypeError):  # an SSLError is an OSError
        raise GuardianKeyError(f"ca: {ca} cannot be read as PEM certificates") from None
