"""Whether a request was made on this machine."""

import re

from starlette.requests import Request

from host_agent.loopback import is_loopback

_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_HOST = re.compile(r"\[?([^\[\]]*?)\]?(:[0-9]*)?")


def is_local(request: Request) -> bool:
    """Whether it comes straight from a program here. No proxy stands in between, which could ask
    for anybody, and no web page, which would name another host (DNS rebinding)."""
    if request.client is None or not is_loopback(request.client.host):
        return False
    if any(name in request.headers for name in _FORWARDED):
        return False
    named = _HOST.fullmatch(request.headers.get("host", ""))
    return named is not None and is_loopback(named[1])
