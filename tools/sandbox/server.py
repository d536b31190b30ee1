"""The sandbox over HTTP: the clouds' endpoints for clients, /sandbox for whoever tests them."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import web

from host_agent.loopback import is_loopback
from tools.sandbox.answering import refusal
from tools.sandbox.guardiankey import Account, GuardianKey
from tools.sandbox.guardiankey.collector import Collector
from tools.sandbox.guardiankey.routes import GuardianKeyRoutes
from tools.sandbox.securithings_routes import SecuriThingsRoutes

DEMO_CREDENTIALS = ("demo-key", "demo-secret")
MAX_BODY_BYTES = 64 * 1024
_PORT_TRIES = 20

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Sandbox:
    """The state of one running sandbox; `collector` is where datagrams go: host, port."""

    def __init__(self, credentials: tuple[str, str], guardiankey: GuardianKey) -> None:
        self.url = ""
        self.collector = ("", 0)
        self.guardiankey = guardiankey
        self._securithings = SecuriThingsRoutes(*credentials)
        self._guardiankey = GuardianKeyRoutes(guardiankey)
        self.inbox = self._securithings.inbox
        self.faults = self._securithings.faulty.faults
        self.guardiankey_faults = self._guardiankey.faulty.faults

    def application(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[_in_json, _local_admin])
        app.add_routes(self._securithings.table())
        app.add_routes(self._guardiankey.table())
        app.on_shutdown.append(self._shut_down)
        return app

    async def _shut_down(self, _app: web.Application) -> None:
        self._securithings.close()
        self._guardiankey.close()


@asynccontextmanager
async def running(
    host: str = "127.0.0.1",
    port: int = 0,
    credentials: tuple[str, str] = DEMO_CREDENTIALS,
    *,
    accounts: Iterable[Account] = (),
    now: int | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Sandbox]:
    """A sandbox that listens at `sandbox.url` while the block runs; port 0 takes a free one.

    GuardianKey knows `accounts`; `now` is what its clock shows for ever, in Unix seconds.
    """
    guardiankey = GuardianKey(accounts, now)
    sandbox = Sandbox(credentials, guardiankey)
    # No client compresses what it sends: bodies are taken as they come.
    runner = web.AppRunner(
        sandbox.application(), access_log=None, shutdown_timeout=1, auto_decompress=False
    )
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(guardiankey.webhooks)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        address, transport = await _listen(runner, host, port, tls, guardiankey)
        stack.callback(transport.close)
        authority = f"[{address[0]}]" if ":" in address[0] else address[0]
        sandbox.url = f"{'https' if tls else 'http'}://{authority}:{address[1]}"
        sandbox.collector = address
        yield sandbox


async def _listen(
    runner: web.AppRunner,
    host: str,
    port: int,
    tls: ssl.SSLContext | None,
    guardiankey: GuardianKey,
) -> tuple[tuple[str, int], asyncio.DatagramTransport]:
    """Opens the listener and the collector, both at one address and port number."""
    for tries_left in reversed(range(_PORT_TRIES)):
        site = web.TCPSite(runner, host, port, ssl_context=tls)
        await site.start()
        bound_host, bound_port = runner.addresses[0][:2]
        try:
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: Collector(guardiankey), local_addr=(bound_host, bound_port)
            )
        except OSError:  # a free port for TCP may be taken for UDP
            await site.stop()
            if port or not tries_left:
                raise
        else:
            return (bound_host, bound_port), transport
    raise AssertionError("unreachable")


@web.middleware
async def _in_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What aiohttp refuses by itself (404, 405, 413) looks like every other refusal."""
    try:
        return await handler(request)
    except web.HTTPClientError as error:
        allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return refusal(error.status, error.reason, allow)
    except (
        web.RequestPayloadError,
        ConnectionResetError,
    ):  # while the body was read: nobody gets this answer
        return refusal(400, "body: broke off")


@web.middleware
async def _local_admin(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path.startswith("/sandbox") and not is_loopback(request.remote or ""):
        return refusal(403, "/sandbox answers on the loopback interface only")
    return await handler(request)
