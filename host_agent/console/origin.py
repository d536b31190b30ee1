"""Whether a form was sent by a page of the console, by what the browser says of it."""

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection


def is_own(request: HTTPConnection) -> bool:
    """False for a page of another origin. Browsers tell in Sec-Fetch-Site (to https and this
    machine) or in Origin, which no page can change; what tells neither is no browser."""
    if site := request.headers.get("sec-fetch-site"):
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    if origin is None:
        return True
    try:
        host = urlsplit(origin).netloc
    except ValueError:
        return False
    return bool(host) and host.lower() == request.headers.get("host", "").lower()
