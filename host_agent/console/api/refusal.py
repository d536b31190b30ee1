"""What the API answers when it does not do what was asked, and how: `{"error", "detail"}`."""

import logging
from collections.abc import Mapping

import msgspec
from starlette.background import BackgroundTask
from starlette.responses import Response

from host_agent.store import StoreError
from host_agent.throttle import Throttle

_RETRY_S = 5
_log = logging.getLogger(__name__)
_told = Throttle(60.0)


class Refusal(msgspec.Struct):
    """Every refusal's body: `error` is for programs, `detail` for people."""

    error: str
    detail: str


class Refused(Exception):
    """Ends a request with this answer; `afterwards` is done when it has gone out."""

    def __init__(
        self, status: int, error: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.error = error
        self.headers = headers
        self.afterwards: BackgroundTask | None = None

    def response(self) -> Response:
        response = json_response(Refusal(self.error, str(self)), self.status, self.headers)
        response.background = self.afterwards
        return response


def retry_after(seconds: int) -> dict[str, str]:
    """The header of a refusal that passes."""
    return {"Retry-After": str(seconds)}


def json_response(
    content: msgspec.Struct, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(msgspec.json.encode(content), status, headers, "application/json")


def unavailable(error: StoreError) -> Refused:
    """What a program is told of a store that fails; the rest is for the log."""
    if _told.allows("unavailable"):
        _log.error("the API cannot answer: %s", error)
    return Refused(503, "unavailable", "the store cannot be used now", retry_after(_RETRY_S))


def forbidden(detail: str) -> Refused:
    headers = {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}
    return Refused(403, "forbidden", detail, headers)


def unknown_device() -> Refused:
    return Refused(404, "unknown", "there is no such device")
