"""The serial link on a loop of its own, and boards on cables to it."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from host_agent.link.serial.link import SerialLink
from host_agent.link.sessions import Sessions
from host_agent.metrics import Metrics
from host_agent.store import Store
from tests.host_agent.link.serial.cable import Cable, CableBoard


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "agent.db") as store:
        yield store


@pytest.fixture
def make_cable(tmp_path: Path) -> Iterator[Callable[[str], Cable]]:
    with ExitStack() as stack:

        def make(name: str) -> Cable:
            cable = Cable(tmp_path / name)
            stack.callback(cable.close)
            return cable

        yield make


@pytest.fixture
def cable(make_cable) -> Cable:
    """Plugged in."""
    cable = make_cable("board.tty")
    cable.plug()
    return cable


@pytest.fixture
def attend(store: Store, sessions: Sessions, metrics: Metrics, tmp_path: Path, caplog):
    """attend(*patterns) runs the link on these ports until the test is over."""
    caplog.set_level(logging.INFO)

    @contextmanager
    def attending(*patterns: object) -> Iterator[None]:
        ports = [str(pattern) for pattern in patterns]
        link = SerialLink(ports, sessions, store, tmp_path / "agent.db", metrics)
        options = {"use_uvloop": True}
        with start_blocking_portal(backend_options=options) as portal:
            running = portal.start_task_soon(link.run)
            try:
                yield
            finally:
                running.cancel()
                with suppress(CancelledError):
                    running.result()

    with ExitStack() as stack:
        yield lambda *patterns: stack.enter_context(attending(*patterns))


@pytest.fixture
def wired(attend, cable: Cable, board) -> CableBoard:
    """The board at a port that the agent has open."""
    attend(cable.port)
    cable.wait_for(b"~?")
    return CableBoard(board, cable)


@pytest.fixture
def state(metrics: Metrics):
    """How many ports stand so."""

    def state(name: str) -> float | None:
        return metrics.registry.get_sample_value("thingwarden_serial_ports", {"state": name})

    return state
