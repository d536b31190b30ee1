"""An app on a store in a real file, in a loop of its own, with boards that press."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from host_agent.app import Agent
from host_agent.app.running import AppRun
from host_agent.metrics import Metrics
from host_agent.store import CapturedEvent, Report, Store


class Running:
    """An app that is at work."""

    def __init__(self, run: AppRun, metrics: Metrics) -> None:
        self.run = run
        self.metrics = metrics

    def count(self, on: str, result: str) -> float:
        """Events for the handlers of that type."""
        labels = {"on": on, "result": result}
        return self.metrics.registry.get_sample_value("thingwarden_app_events_total", labels) or 0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "agent.db") as store:
        store.add_device("hvac", "HVAC")
        yield store


@pytest.fixture
def agent() -> Agent:
    return Agent()


@pytest.fixture
def running(store: Store, agent: Agent) -> Callable[..., object]:
    """`async with running(handler_s=10, drain_s=5) as app:`"""

    @asynccontextmanager
    async def running(handler_s: float = 10, drain_s: float = 5) -> AsyncIterator[Running]:
        metrics = Metrics()
        run = AppRun(agent, store, metrics, handler_s)
        run.start()
        try:
            yield Running(run, metrics)
        finally:
            async with asyncio.timeout(60):
                await run.stop(drain_s)

    return running


@pytest.fixture
def press(store: Store) -> Callable[..., Awaitable[None]]:
    """`await press("hvac", 1, 2)`: the device reports two presses; it is added when new."""
    frames = itertools.count(1)

    async def press(device: str, *seqs: int, kind: str = "buttonState") -> None:
        known = store.device(device) or store.add_device(device, "lock")
        events = tuple(
            CapturedEvent(1, seq, kind, {"pressed": True}, 1_700_000_000_000 + seq, "board")
            for seq in seqs
        )
        await store.accept(Report(device, known.key, 1, next(frames), 5000, events))

    return press
