"""A store in a real file, the agent's end of the link on it, and a board with a key."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from host_agent.link.sessions import Sessions
from host_agent.metrics import Metrics
from host_agent.store import Limits, Store


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "agent.db", Limits(max_events=5)) as store:
        yield store


@pytest.fixture
def sessions(store: Store, metrics: Metrics) -> Sessions:
    return Sessions(store, metrics)


@pytest.fixture
def board(store: Store, make_board):
    return make_board("door", store.add_device("door", "Lock").key)
