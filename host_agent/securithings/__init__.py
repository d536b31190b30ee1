"""Client library for SecuriThings' event API, usable without the agent (see README.md)."""

from host_agent.http_post import Response
from host_agent.securithings.client import SecuriThings
from host_agent.securithings.errors import SecuriThingsError
from host_agent.securithings.event import Event
from host_agent.securithings.masking import without_secrets
from host_agent.securithings.wire import (
    DEFAULT_URL,
    api_key_problem,
    request_headers,
    url_problem,
)

__all__ = [
    "DEFAULT_URL",
    "Event",
    "Response",
    "SecuriThings",
    "SecuriThingsError",
    "api_key_problem",
    "request_headers",
    "url_problem",
    "without_secrets",
]
