"""Client library for SecuriThings' event API, usable without the agent (see README.md).

The client is imported when it is asked for: `requests` takes longer than all the rest.
"""

from typing import TYPE_CHECKING, Any

from host_agent.http_response import Response
from host_agent.securithings.errors import SecuriThingsError
from host_agent.securithings.event import Event
from host_agent.securithings.masking import without_secrets
from host_agent.securithings.wire import (
    DEFAULT_URL,
    api_key_problem,
    request_headers,
    url_problem,
)

if TYPE_CHECKING:
    from host_agent.securithings.client import SecuriThings
else:

    def __getattr__(name: str) -> Any:
        if name == "SecuriThings":
            from host_agent.securithings.client import SecuriThings

            return SecuriThings
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


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
