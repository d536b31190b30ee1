"""How the console says no: a page to people, JSON to programs."""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TypeAlias

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from host_agent.console.api.refusal import Refusal, json_response
from host_agent.console.pages.rendering import Pages
from host_agent.console.places import ROOT, is_below
from host_agent.store import StoreError
from host_agent.text import printable
from host_agent.throttle import Throttle

Refuse: TypeAlias = Callable[[Request, Exception], Awaitable[Response]]

RETRY_S = 5
_TELL_EVERY_S = 10.0
_NAMES = {404: "unknown", 405: "method_not_allowed", 503: "unavailable"}
"""As those of the API."""
_DETAILS = {404: "there is nothing here", 405: "this does not answer such a request"}
"""Of what the router refuses, which says no more than the status."""

_log = logging.getLogger(__name__)


def refusals(pages: Pages) -> Refuse:
    """What answers a request with an HTTPException, or with a StoreError, which is for the log."""
    told = Throttle(_TELL_EVERY_S)

    async def refuse(request: Request, error: Exception) -> Response:
        if isinstance(error, StoreError):
            if told.allows("store"):
                _log.error("%s cannot be answered: %s", printable(request.scope["path"]), error)
            error = _without_store()
        assert isinstance(error, HTTPException)  # noqa: S101 (Starlette's types are wider)
        status, title = error.status_code, HTTPStatus(error.status_code).phrase
        detail = _DETAILS.get(status, title) if error.detail == title else error.detail
        if not is_below(ROOT, request.scope["path"]):
            refusal = Refusal(_NAMES.get(status, "malformed"), detail)
            return json_response(refusal, status, error.headers)
        answer = await run_in_threadpool(pages.message, request, status, title, detail)
        answer.headers.update(error.headers or {})
        return answer

    return refuse


def _without_store() -> HTTPException:
    detail = "the store does not work: see the agent's log"
    return HTTPException(503, detail, {"Retry-After": str(RETRY_S)})
