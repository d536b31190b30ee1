"""A webhook on a real socket and a store in a real file, and GuardianKey at the other end."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.from_thread import start_blocking_portal
from starlette.applications import Starlette

from host_agent.guardiankey import Account
from host_agent.listener import Listener
from host_agent.lockdown import Lockdown
from host_agent.metrics import Metrics
from host_agent.store import Store
from host_agent.webhook import webhook_app
from tests.host_agent.guardiankey_sender import Sender


@asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[Listener]:
    with Listener(app, "127.0.0.1", 0) as listener:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve)
            yield listener
            listener.stop()


class Webhook(Sender):
    """GuardianKey, which posts to a webhook that counts what becomes of it."""

    def __init__(self, account: Account, url: str, metrics: Metrics) -> None:
        super().__init__(account, url)
        self._metrics = metrics

    def count(self, result: str) -> float:
        name = "thingwarden_notifications_total"
        return self._metrics.registry.get_sample_value(name, {"result": result}) or 0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "agent.db") as store:
        yield store


@pytest.fixture
def start(account: Account, store: Store) -> Iterator[Callable[..., Webhook]]:
    """start(responses=(), devices=(), **limits) serves a webhook during the test; `limits` as
    webhook_app takes them."""
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())

        def start(
            responses: tuple[str, ...] = (), devices: tuple[str, ...] = (), **limits: Any
        ) -> Webhook:
            metrics = Metrics()
            lockdown = Lockdown(responses, devices)
            app = webhook_app(account, store, lockdown, metrics, **limits)
            listener = stack.enter_context(portal.wrap_async_context_manager(serving(app)))
            return Webhook(account, listener.url, metrics)

        yield start


@pytest.fixture
def webhook(start: Callable[..., Webhook]) -> Webhook:
    return start()
