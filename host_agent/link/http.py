"""The device link over HTTP: `POST /v1/frames` (DESIGN section 4, HTTP).

Plain statuses stand for what happens before authentication; anyone could forge them, so they are
only hints to a board. Everything after it is a sealed reply.
"""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from host_agent.intake import Intake
from host_agent.link.frames import MAX_FRAME_BYTES, FrameMalformed, FrameUnauthenticated
from host_agent.link.sessions import Sessions
from host_agent.metrics import Metrics
from host_agent.request_body import plain_error

MEDIA_TYPE = "application/jose"
BODY_TIMEOUT_S = 10
MAX_IN_FLIGHT = 1024
"""Frames being judged and stored at a time; a burst above it is told to come again."""
RETRY_BUSY_S = 1


def link_app(
    sessions: Sessions,
    metrics: Metrics,
    max_in_flight: int = MAX_IN_FLIGHT,
    body_timeout_s: float = BODY_TIMEOUT_S,
) -> Starlette:
    """The ASGI application of the device link."""
    intake = Intake(
        "frame", metrics.frames, MAX_FRAME_BYTES, body_timeout_s, max_in_flight, RETRY_BUSY_S
    )
    return Starlette(
        routes=[Route("/v1/frames", _Frames(sessions, intake).post, methods=["POST"])],
        exception_handlers={HTTPException: plain_error},
    )


class _Frames:
    def __init__(self, sessions: Sessions, intake: Intake) -> None:
        self._sessions = sessions
        self._intake = intake

    async def post(self, request: Request) -> Response:
        frame = await self._intake.body(request)
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != MEDIA_TYPE:
            raise self._intake.refusal("malformed", 400, f"Content-Type must be {MEDIA_TYPE}")
        with self._intake.place():
            try:
                answer = await self._sessions.exchange(frame)
            except FrameMalformed as error:
                raise HTTPException(400, "malformed frame") from error
            except FrameUnauthenticated as error:
                raise HTTPException(401, "unauthenticated") from error
        if answer.retry_s is None:
            return Response(answer.frame, media_type=MEDIA_TYPE)
        retry = {"Retry-After": str(answer.retry_s)}
        return Response(answer.frame, 503, retry, media_type=MEDIA_TYPE)
