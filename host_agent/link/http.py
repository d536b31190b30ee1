"""The device link over HTTP: `POST /v1/frames` (DESIGN section 4, HTTP).

Plain statuses stand for what happens before authentication; anyone could forge them, so they are
only hints to a board. Everything after it is a sealed reply.
"""

import asyncio

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from host_agent.link.frames import MAX_FRAME_BYTES, FrameMalformed, FrameUnauthenticated
from host_agent.link.sessions import Sessions
from host_agent.metrics import Metrics

MEDIA_TYPE = "application/jose"
BODY_TIMEOUT_S = 10
_CLOSE = {"Connection": "close"}
MAX_IN_FLIGHT = 1024
"""Frames being judged and stored at a time; a burst above it is told to come again."""
RETRY_BUSY_S = 1


def link_app(sessions: Sessions, metrics: Metrics, max_in_flight: int = MAX_IN_FLIGHT) -> Starlette:
    """The ASGI application of the device link."""
    frames = _Frames(sessions, metrics, max_in_flight)
    return Starlette(
        routes=[Route("/v1/frames", frames.post, methods=["POST"])],
        exception_handlers={HTTPException: plain_error},
    )


async def plain_error(_: Request, error: Exception) -> Response:
    """A short text for a status without a sealed reply."""
    assert isinstance(error, HTTPException)  # noqa: S101 (Starlette's types are wider)
    return PlainTextResponse(error.detail + "\n", error.status_code, error.headers)


class _Frames:
    def __init__(self, sessions: Sessions, metrics: Metrics, max_in_flight: int) -> None:
        self._sessions = sessions
        self._metrics = metrics
        self._free = max_in_flight

    async def post(self, request: Request) -> Response:
        frame = await self._body(request)
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != MEDIA_TYPE:
            raise self._refused("malformed", 400, f"Content-Type must be {MEDIA_TYPE}")
        if not self._free:
            raise self._refused("busy", 503, "busy", {"Retry-After": str(RETRY_BUSY_S)})
        self._free -= 1
        try:
            answer = await self._sessions.exchange(frame)
        except FrameMalformed as error:
            raise HTTPException(400, "malformed frame") from error
        except FrameUnauthenticated as error:
            raise HTTPException(401, "unauthenticated") from error
        finally:
            self._free += 1
        if answer.retry_s is None:
            return Response(answer.frame, media_type=MEDIA_TYPE)
        retry = {"Retry-After": str(answer.retry_s)}
        return Response(answer.frame, 503, retry, media_type=MEDIA_TYPE)

    async def _body(self, request: Request) -> bytes:
        """The whole body within its limits of size and time, or the connection ends."""
        if int(request.headers.get("content-length", "0")) > MAX_FRAME_BYTES:
            raise self._too_large()
        frame = bytearray()
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                async for piece in request.stream():
                    frame += piece
                    if len(frame) > MAX_FRAME_BYTES:
                        raise self._too_large()
        except TimeoutError as error:
            raise self._refused("malformed", 408, "the frame came too slowly", _CLOSE) from error
        except ClientDisconnect as error:
            raise self._refused("malformed", 400, "the frame broke off", _CLOSE) from error
        return bytes(frame)

    def _too_large(self) -> HTTPException:
        detail = f"a frame has at most {MAX_FRAME_BYTES} bytes"
        return self._refused("too_large", 413, detail, _CLOSE)

    def _refused(
        self, result: str, status: int, detail: str, headers: dict[str, str] | None = None
    ) -> HTTPException:
        self._metrics.frames.labels(result).inc()
        return HTTPException(status, detail, headers)
