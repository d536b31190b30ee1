"""How the console says no: a page to people, JSON to programs."""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TypeAlias

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from host_agent.console.pages.rendering import Pages
from host_agent.store import StoreError

Refuse: TypeAlias = Callable[[Request, Exception], Awaitable[Response]]

RETRY_S = 5

_log = logging.getLogger(__name__)


def refusals(pages: Pages) -> Refuse:
    """What answers a request with an HTTPException, or with a StoreError, which is for the log."""

    async def refuse(request: Request, error: Exception) -> Response:
        if isinstance(error, StoreError):
            _log.error("%s cannot be answered: %s", request.scope["path"], error)
            error = _without_store()
        assert isinstance(error, HTTPException)  # noqa: S101 (Starlette's types are wider)
        status, detail = error.status_code, error.detail
        title = HTTPStatus(status).phrase
        if not request.scope["path"].startswith("/console"):
            content = {"error": title.lower(), "detail": detail}
            return JSONResponse(content, status, error.headers)
        answer = await run_in_threadpool(pages.message, request, status, title, detail)
        answer.headers.update(error.headers or {})
        return answer

    return refuse


def _without_store() -> HTTPException:
    detail = "the store does not work: see the agent's log"
    return HTTPException(503, detail, {"Retry-After": str(RETRY_S)})
