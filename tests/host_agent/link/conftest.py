"""A store in a real file, the agent's end of the link on it, and a board with a key."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from host_agent.guardiankey.aio import Api
from host_agent.link.http import link_app
from host_agent.link.relay import Relay
from host_agent.link.sessions import Sessions
from host_agent.listener import Listener
from host_agent.metrics import Metrics
from host_agent.store import Limits, Store
from tests.host_agent.link.wire import answer

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Any]]


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "agent.db", Limits(max_events=5)) as store:
        yield store


@pytest.fixture
def sessions(store: Store, metrics: Metrics) -> Sessions:
    return Sessions(store, metrics, Relay(Api(), store, metrics))


@pytest.fixture
def board(store: Store, make_board):
    return make_board("door", store.add_device("door", "Lock").key)


@asynccontextmanager
async def listening(
    sessions: Sessions, metrics: Metrics, max_connections: int, **limits: Any
) -> AsyncIterator[Listener]:
    app = link_app(sessions, metrics, **limits)
    busy = metrics.frames.labels("busy").inc
    with Listener(app, "127.0.0.1", 0, busy, max_connections) as listener:
        serving = asyncio.create_task(listener.serve())
        try:
            yield listener
        finally:
            listener.stop()
            await serving


@pytest.fixture
def with_link(sessions: Sessions, metrics: Metrics):
    """Runs a conversation on a fresh connection to the link; `limits` as link_app takes them."""

    def run(talk: Talk, max_connections: int = 10, **limits: Any) -> Any:
        async def main() -> Any:
            async with listening(sessions, metrics, max_connections, **limits) as listener:
                port = int(listener.url.rpartition(":")[2])
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                try:
                    return await asyncio.wait_for(talk(reader, writer), 40)
                finally:
                    writer.close()

        return asyncio.run(main())

    return run


@pytest.fixture
def send(with_link):
    """Sends raw bytes; (status, headers, body) of the answer."""

    def send(data: bytes, **limits: Any) -> tuple[int, dict[str, str], bytes]:
        async def talk(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> tuple[int, dict[str, str], bytes]:
            writer.write(data)
            return await answer(reader)

        return with_link(talk, **limits)

    return send
