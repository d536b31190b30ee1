"""GET /console/live: the server-sent events that console.js waits for."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from host_agent.console.live import TooManySubscribers
from host_agent.console.parts import ConsoleParts
from host_agent.console.places import LIVE
from host_agent.console.sessions import Session
from host_agent.store import StoreError

RETRY_S = 15
MEDIA_TYPE = "text/event-stream"


class _Stream:
    """An ASGI application, for a subscription lasts as long as its answer."""

    def __init__(self, parts: ConsoleParts) -> None:
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        session: Session = Request(scope).state.session
        answer: Response
        if scope["method"] == "HEAD":
            answer = Response(media_type=MEDIA_TYPE)
            await answer(scope, receive, send)
            return
        try:
            live = self._parts.live
            with live.subscribed(session.user, lambda: self._lives(session)) as messages:
                answer = StreamingResponse(messages, media_type=MEDIA_TYPE)
                await answer(scope, receive, send)
        except TooManySubscribers as error:
            answer = PlainTextResponse(f"{error}\n", 503, {"Retry-After": str(RETRY_S)})
            await answer(scope, receive, send)

    def _lives(self, session: Session) -> bool:
        """If nobody can tell, the browser asks again, and the guard tells it why."""
        try:
            return self._parts.sessions.lives(session)
        except StoreError:
            return False


def stream_routes(parts: ConsoleParts) -> list[Route]:
    return [Route(LIVE, _Stream(parts), methods=["GET"])]
