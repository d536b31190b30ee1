"""Client library for SecuriThings' event API, usable without the agent (see README.md)."""

from host_agent.securithings.client import SecuriThings
from host_agent.securithings.errors import SecuriThingsError
from host_agent.securithings.event import Event
from host_agent.securithings.transport import Response
from host_agent.securithings.wire import DEFAULT_URL, request_headers

__all__ = [
    "DEFAULT_URL",
    "Event",
    "Response",
    "SecuriThings",
    "SecuriThingsError",
    "request_headers",
]
