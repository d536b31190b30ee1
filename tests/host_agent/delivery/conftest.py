"""A store with boards that press, a cloud to deliver to, and a delivery between them."""

import asyncio
import itertools
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from host_agent.delivery.delivery import Delivery
from host_agent.delivery.settings import DeliverySettings, Endpoint
from host_agent.metrics import Metrics
from host_agent.store import CapturedEvent, Params, Report, Store
from tools.sandbox import Sandbox
from tools.server_process import free_port

FAST = {"retry_base_s": 0.02, "retry_cap_s": 0.05, "timeout_s": 40, "probe_s": 0.1}
KEY, SECRET = "demo-key", "demo-secret"

Answer = Callable[[dict], web.Response | Awaitable[web.Response]]


class Cloud:
    """An endpoint that answers as a test says, and keeps the bodies it got."""

    def __init__(self, answer: Answer) -> None:
        self.url = ""
        self.bodies: list[dict] = []
        self.connections: set[tuple] = set()
        self._answer = answer

    async def handle(self, request: web.Request) -> web.Response:
        self.connections.add(request.transport.get_extra_info("peername"))
        self.bodies.append(await request.json())
        answer = self._answer(self.bodies[-1])
        return answer if isinstance(answer, web.Response) else await answer


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "agent.db") as store:
        yield store


@pytest.fixture
def press(store: Store) -> Callable[..., Awaitable[None]]:
    """`await press("door", 1, 2)`: the device reports two presses; it is added when new."""
    frames = itertools.count(1)

    async def press(device: str, *seqs: int, params: Params | None = None) -> None:
        known = store.device(device) or store.add_device(device, "lock", "hq")
        events = tuple(
            CapturedEvent(1, seq, "buttonState", params or {"pressed": True}, 1000 + seq, "board")
            for seq in seqs
        )
        await store.accept(Report(device, known.key, 1, next(frames), 5000, events))

    return press


@pytest.fixture
def cloud() -> Callable[..., object]:
    """`async with cloud(answer) as c:` an endpoint whose answers `answer(body)` makes; it may be
    a coroutine."""

    @asynccontextmanager
    async def cloud(
        answer: Answer, ssl_context: ssl.SSLContext | None = None
    ) -> AsyncIterator[Cloud]:
        cloud = Cloud(answer)
        app = web.Application()
        app.router.add_post("/api/v1/event", cloud.handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl_context).start()
            scheme = "https" if ssl_context else "http"
            cloud.url = f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"
            yield cloud
        finally:
            await runner.cleanup()

    return cloud


@pytest.fixture
def delivering(store: Store) -> Callable[..., object]:
    """`async with delivering(sandbox.url, retry_base_s=...) as delivery:`"""

    @asynccontextmanager
    async def delivering(
        url: str, metrics: Metrics | None = None, **settings: float
    ) -> AsyncIterator[Delivery]:
        delivery = Delivery(
            store,
            msgspec.convert(FAST | settings, DeliverySettings),
            Endpoint(f"{url}/api/v1/event", KEY, SECRET),
            metrics or Metrics(),
        )
        running = asyncio.create_task(delivery.run())
        try:
            yield delivery
        finally:
            await delivery.stop(drain_s=5)
            await running

    return delivering


@pytest.fixture
def received() -> Callable[[Sandbox], list[str]]:
    """The EXT_EVT_IDs that a sandbox got, in order."""

    def received(sandbox: Sandbox) -> list[str]:
        return [msgspec.json.decode(event.body)["EXT_EVT_ID"] for event in sandbox.inbox.after(0)]

    return received


@pytest.fixture
def fail() -> Callable[..., None]:
    """`fail(sandbox, kind="status", status=503, count=2)`: what its next requests meet."""

    def fail(sandbox: Sandbox, **fault: object) -> None:
        sandbox.faults.add(json.dumps([fault]).encode())

    return fail


@pytest.fixture
def unused_port_url() -> str:
    """Where nobody listens now."""
    return f"http://127.0.0.1:{free_port()}"
