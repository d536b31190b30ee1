"""Where events go and what every request says about itself (WIRE.md A1)."""

import base64

DEFAULT_URL = "https://service.securithings.com/api/v1/event"


def request_headers(api_key: str, api_secret: str) -> dict[str, str]:
    """The headers of every event request; the credentials are UTF-8 (RFC 7617 2.1)."""
    credentials = base64.b64encode(f"{api_key}:{api_secret}".encode()).decode()
    return {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "Authorization": f"Basic {credentials}",
    }
