"""The sandbox over HTTP: the cloud's endpoint for clients, /sandbox for whoever tests them."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import msgspec
from aiohttp import web

from host_agent.loopback import is_loopback
from tools.sandbox import faults, securithings
from tools.sandbox.inbox import Inbox

DEMO_CREDENTIALS = ("demo-key", "demo-secret")
MAX_BODY_BYTES = 64 * 1024
_MAX_WAIT_S = 60.0
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Sandbox:
    """The state of one running sandbox and its request handlers."""

    def __init__(self, api_key: str, api_secret: str) -> None:
        self.url = ""
        self.inbox = Inbox()
        self.faults = faults.Faults()
        self._api_key = api_key
        self._api_secret = api_secret
        self._closing = asyncio.Event()

    def application(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[_local_admin])
        app.add_routes(
            [
                web.post("/api/v1/event", self._event),
                web.get("/sandbox/events", self._list_events, allow_head=False),
                web.delete("/sandbox/events", self._clear_events),
                web.get("/sandbox/faults", self._list_faults, allow_head=False),
                web.post("/sandbox/faults", self._add_faults),
                web.delete("/sandbox/faults", self._clear_faults),
            ]
        )
        app.on_shutdown.append(self._shut_down)
        return app

    async def _event(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        match self.faults.take():
            case faults.Status(status=status, retry_after=retry_after):
                headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
                return web.json_response({"error": "a fault"}, status=status, headers=headers)
            case faults.Delay(seconds=seconds):
                await asyncio.sleep(seconds)
            case faults.Reset():
                return _reset(request)
            case faults.ResetAfterStore():
                self._accept(request, body)
                return _reset(request)
            case faults.Hang():
                await self._closing.wait()
                return _reset(request)
        return self._accept(request, body)

    def _accept(self, request: web.Request, body: bytes) -> web.Response:
        if not securithings.authorized(
            request.headers.get("Authorization", ""), self._api_key, self._api_secret
        ):
            return _refusal(401, "wrong credentials", {"WWW-Authenticate": "Basic"})
        if request.content_type != "application/json":
            return _refusal(415, "Content-Type must be application/json")
        if not securithings.admits_json(request.headers.get("Accept", "")):
            return _refusal(406, "Accept must admit application/json")
        try:
            securithings.check_body(body)
        except securithings.BodyError as error:
            return _refusal(400, str(error))
        self.inbox.add(body)
        return web.json_response({"status": "accepted"}, status=201)

    async def _list_events(self, request: web.Request) -> web.Response:
        try:
            after = int(request.query.get("after", "0"))
            wait_s = float(request.query.get("wait", "0"))
        except ValueError:
            return _refusal(400, "after must be an integer, wait a number of seconds")
        if after < 0 or not 0 <= wait_s <= _MAX_WAIT_S:
            return _refusal(400, f"after must not be negative, wait at most {_MAX_WAIT_S:.0f} s")
        events = self.inbox.after(after)
        if not events and wait_s:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.inbox.arrival(), wait_s)
            events = self.inbox.after(after)
        return _json({"events": events, "next": self.inbox.last, "dropped": self.inbox.dropped})

    async def _clear_events(self, _request: web.Request) -> web.Response:
        self.inbox.clear()
        return web.Response(status=204)

    async def _list_faults(self, _request: web.Request) -> web.Response:
        return _json(self.faults.pending())

    async def _add_faults(self, request: web.Request) -> web.Response:
        try:
            self.faults.add(await request.read())
        except faults.FaultsError as error:
            return _refusal(400, str(error))
        return _json(self.faults.pending())

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self.faults.clear()
        return web.Response(status=204)

    async def _shut_down(self, _app: web.Application) -> None:
        self._closing.set()
        self.inbox.wake()


@asynccontextmanager
async def running(
    host: str = "127.0.0.1",
    port: int = 0,
    credentials: tuple[str, str] = DEMO_CREDENTIALS,
) -> AsyncIterator[Sandbox]:
    """A sandbox that listens at `sandbox.url` while the block runs; port 0 takes a free one."""
    sandbox = Sandbox(*credentials)
    runner = web.AppRunner(sandbox.application(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound_host, bound_port = runner.addresses[0][:2]
        authority = f"[{bound_host}]" if ":" in bound_host else bound_host
        sandbox.url = f"http://{authority}:{bound_port}"
        yield sandbox
    finally:
        await runner.cleanup()


@web.middleware
async def _local_admin(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path.startswith("/sandbox") and not is_loopback(request.remote or ""):
        return _refusal(403, "/sandbox answers on the loopback interface only")
    return await handler(request)


def _refusal(status: int, error: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"error": error}, status=status, headers=headers)


def _json(content: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(content), content_type="application/json")


def _reset(request: web.Request) -> web.Response:
    """Ends the connection with a TCP RST; the response returned has nowhere to go."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
    return web.Response()
