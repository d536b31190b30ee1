"""A body, read within limits of size and time; a refusal as text."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response


class BodyRefused(HTTPException):
    """413 too large, 408 too slow, 400 broken off; the connection ends with the answer."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(status, detail, {"Connection": "close"})


async def read_body(request: Request, what: str, max_bytes: int, timeout_s: float) -> bytes:
    """Raises BodyRefused; `what` is what the body ought to be, for its text."""
    too_large = BodyRefused(413, f"a {what} has at most {max_bytes} bytes")
    if int(request.headers.get("content-length", "0")) > max_bytes:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            async for piece in request.stream():
                body += piece
                if len(body) > max_bytes:
                    raise too_large
    except TimeoutError as error:
        raise BodyRefused(408, f"the {what} came too slowly") from error
    except ClientDisconnect as error:
        raise BodyRefused(400, f"the {what} broke off") from error
    return bytes(body)


async def plain_error(_: Request, error: Exception) -> Response:
    """A refusal as a short text."""
    assert isinstance(error, HTTPException)  # noqa: S101 (Starlette's types are wider)
    return PlainTextResponse(error.detail + "\n", error.status_code, error.headers)
