"""Where events go and what every request says about itself (WIRE.md A1)."""

import base64
from collections.abc import Container
from urllib.parse import urlsplit

DEFAULT_URL = "https://service.securithings.com/api/v1/event"


def url_problem(url: str, schemes: Container[str] = ("https", "http")) -> str | None:
    """Why no request could go to `url`, as words that follow its name; None if one can."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        return "must be like https://HOST/PATH"
    if "@" in parts.netloc:
        return "must not carry credentials: they belong in the api key and secret"
    return None


def api_key_problem(api_key: str) -> str | None:
    """The same for a key: a server splits the credentials at the first colon (RFC 7617 2)."""
    return "must not contain a colon: the server would cut it there" if ":" in api_key else None


def request_headers(api_key: str, api_secret: str) -> dict[str, str]:
    """The headers of every event request; the credentials are UTF-8 (RFC 7617 2.1)."""
    credentials = base64.b64encode(f"{api_key}:{api_secret}".encode()).decode()
    return {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "Authorization": f"Basic {credentials}",
    }
