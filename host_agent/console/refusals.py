"""How the console says no: a page to people, JSON to programs."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TypeAlias

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from host_agent.console.pages.rendering import Pages

Refuse: TypeAlias = Callable[[Request, Exception], Awaitable[Response]]


def refusals(pages: Pages) -> Refuse:
    """What answers a request with an HTTPException."""

    async def refuse(request: Request, error: Exception) -> Response:
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
