"""Who asked: the fields that an external event takes from an HTTP request (WIRE.md A1)."""

import json
from collections.abc import Mapping

from host_agent.securithings.errors import SecuriThingsError

_FIELDS = {"SOURCE_IP": "x-forwarded-for", "USER_AGENT": "user-agent"}


def request_fields(request: object) -> dict[str, object]:
    """SOURCE_IP and USER_AGENT, as far as `request` has the headers for them.

    `request` is anything with `.headers` (Starlette, Flask, requests, http.server), a mapping
    {"headers": {...}}, or None. Header names match in any case; a value is passed on unchanged: a
    list of addresses stays one, None becomes null. Raises SecuriThingsError for a value that JSON
    cannot carry.
    """
    headers = _headers(request)
    fields = {}
    for field, name in _FIELDS.items():
        if name in headers:
            fields[field] = _json_value(headers[name], name)
    return fields


def _headers(request: object) -> dict[str, object]:
    headers = getattr(request, "headers", None)
    if headers is None and isinstance(request, Mapping):
        headers = request.get("headers")
    try:
        pairs = list(headers.items())  # type: ignore[union-attr]
    except AttributeError:
        return {}
    found: dict[str, object] = {}
    for name, value in pairs:
        if isinstance(name, str):
            found.setdefault(name.lower(), value)
    return found


def _json_value(value: object, name: str) -> object:
    try:
        return json.loads(json.dumps(value, allow_nan=False, ensure_ascii=False).encode())
    except (TypeError, ValueError):
        raise SecuriThingsError(
            f"request header {name!r} holds a {type(value).__name__} that JSON cannot carry"
        ) from None
