"""How the sandbox answers: refusals, listings, and what goes wrong on demand."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import msgspec
from aiohttp import web

from tools.sandbox import faults
from tools.sandbox.inbox import Inbox, Received

MAX_WAIT_S = 60.0
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)

Body = TypeVar("Body")


def refusal(status: int, error: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"error": error}, status=status, headers=headers)


def as_json(content: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(content), content_type="application/json")


async def listing(
    request: web.Request,
    name: str,
    inbox: Inbox[Body],
    shown: Callable[[Received[Body]], object] = msgspec.to_builtins,
) -> web.Response:
    """What the inbox holds after `after`, waiting up to `wait` seconds if that is nothing."""
    try:
        after = int(request.query.get("after", "0"))
        wait_s = float(request.query.get("wait", "0"))
    except ValueError:
        return refusal(400, "after must be an integer, wait a number of seconds")
    if after < 0 or not 0 <= wait_s <= MAX_WAIT_S:
        return refusal(400, f"after must not be negative, wait at most {MAX_WAIT_S:.0f} s")
    items = inbox.after(after)
    if not items and wait_s:
        with suppress(TimeoutError):
            await asyncio.wait_for(inbox.arrival(), wait_s)
        items = inbox.after(after)
    return as_json(
        {name: [shown(item) for item in items], "next": inbox.last, "dropped": inbox.dropped}
    )


class FaultyPaths:
    """The paths that share one list of faults; `close` ends whatever hangs."""

    def __init__(self) -> None:
        self.faults = faults.Faults()
        self._closing = asyncio.Event()

    async def meet(
        self, request: web.Request, treat: Callable[[], Awaitable[web.Response]]
    ) -> web.StreamResponse:
        """The answer of `treat`, unless the next fault makes something else of it."""
        match self.faults.take():
            case faults.Status(status=status, retry_after=retry_after):
                headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
                return web.json_response({"error": "a fault"}, status=status, headers=headers)
            case faults.Answer(status=status, body=body, content_type=content_type):
                return web.Response(status=status, text=body, content_type=content_type)
            case faults.Delay(seconds=seconds):
                await asyncio.sleep(seconds)
            case faults.Reset():
                return _reset(request)
            case faults.ResetAfterStore():
                await treat()
                return _reset(request)
            case faults.Hang():
                await self._closing.wait()
                return _reset(request)
            case faults.Drip(seconds=seconds):
                return await self._drip(request, await treat(), seconds)
        return await treat()

    async def list_faults(self, _request: web.Request) -> web.Response:
        return as_json(self.faults.pending())

    async def add_faults(self, request: web.Request) -> web.Response:
        try:
            self.faults.add(await request.read())
        except faults.FaultsError as error:
            return refusal(400, str(error))
        return as_json(self.faults.pending())

    async def clear_faults(self, _request: web.Request) -> web.Response:
        self.faults.clear()
        return web.Response(status=204)

    def close(self) -> None:
        self._closing.set()

    async def _drip(
        self, request: web.Request, answer: web.Response, seconds: float
    ) -> web.StreamResponse:
        """Sends the head at once and then one byte of the body after the other."""
        body = answer.body if isinstance(answer.body, bytes) else b""
        dripping = web.StreamResponse(status=answer.status, headers=answer.headers)
        dripping.content_length = len(body)
        await dripping.prepare(request)
        for position in range(len(body)):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), seconds)
            if self._closing.is_set():
                return _reset(request)
            await dripping.write(body[position : position + 1])
        await dripping.write_eof()
        return dripping


def _reset(request: web.Request) -> web.Response:
    """Ends the connection with a TCP RST; the response returned has nowhere to go."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
    return web.Response()
