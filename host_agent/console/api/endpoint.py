"""A path of the API: its methods, each for tokens of the right kind, in bounded number at a time;
whatever comes, the answer is JSON and counted."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from host_agent.console.api.bearer import Bearer
from host_agent.console.api.refusal import Refused, retry_after
from host_agent.metrics import Metrics
from host_agent.people import ApiToken

MAX_IN_FLIGHT = 64
RETRY_BUSY_S = 1

Handler: TypeAlias = Callable[[Request, ApiToken], Awaitable[Response]]


class Desk:
    """What all paths share: whom they believe, how many requests they attend to at a time."""

    def __init__(self, bearer: Bearer, metrics: Metrics) -> None:
        self.bearer = bearer
        self._results = metrics.api_requests
        self._free = MAX_IN_FLIGHT

    async def attend(self, handle: Callable[[], Awaitable[Response]]) -> Response:
        """What `handle` answers or refuses."""
        try:
            if not self._free:
                raise Refused(503, "busy", "too many requests now", retry_after(RETRY_BUSY_S))
            self._free -= 1
            try:
                response = await handle()
            finally:
                self._free += 1
        except Refused as refused:
            self._results.labels(refused.error).inc()
            return refused.response()
        self._results.labels("answered").inc()
        return response


class Endpoint:
    """ASGI application of a path that answers these methods; GET stands for HEAD too."""

    def __init__(self, desk: Desk, handlers: Mapping[str, Handler]) -> None:
        self._desk = desk
        self._handlers = dict(handlers)
        if "GET" in handlers:
            self._handlers["HEAD"] = handlers["GET"]

    @property
    def methods(self) -> Collection[str]:
        return self._handlers.keys()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._desk.attend(lambda: self._answer(request))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        handler = self._handlers.get(request.method)
        if handler is None:
            allowed = ", ".join(sorted(self._handlers))
            detail = f"this path answers {allowed}"
            raise Refused(405, "method_not_allowed", detail, {"Allow": allowed})
        return await handler(request, await self._desk.bearer.token(request))
