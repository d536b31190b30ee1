"""The console on a real listener, and people's browsers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from argon2 import Parameters
from argon2.profiles import CHEAPEST

from host_agent.console.app import MAX_CONNECTIONS, console_app
from host_agent.console.live import Live
from host_agent.console.parts import ConsoleParts
from host_agent.console.sessions import Sessions
from host_agent.listener import Listener
from host_agent.metrics import Metrics
from host_agent.passwords import hash_password
from host_agent.store import Store
from tests.host_agent.browser import PASSWORD, Browser
from tests.host_agent.console.boards import Board

COST: Parameters = CHEAPEST
"""Of passwords in tests: a login takes no time."""


@dataclass
class Console:
    """A console that runs, on a thread of its own. `call` runs a function on its event loop."""

    url: str
    parts: ConsoleParts
    call: Callable[..., Any]

    def browser(self) -> Browser:
        """Nobody has logged in with it yet."""
        return Browser(self.url)

    def add_user(self, name: str = "ann", password: str = PASSWORD, email: str = "") -> None:
        self.parts.store.people.add_user(name, email, hash_password(password, name, COST))


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[ConsoleParts]:
    """Of a console on loopback, with a real store, and no account at GuardianKey."""
    metrics = Metrics()
    with Store.open(tmp_path / "thingwarden.db", metrics=metrics) as store:
        yield ConsoleParts(
            store=store,
            metrics=metrics,
            problems=list,
            host="127.0.0.1",
            trusted_proxies=[],
            guardiankey=None,
            sessions=Sessions(store),
            live=Live(metrics),
            password_cost=COST,
        )


@pytest.fixture
def run_console(parts: ConsoleParts) -> Iterator[Callable[..., Console]]:
    """run_console(**parts that differ) starts a console that lives as long as the test."""
    with ExitStack() as stack:

        def run(**other: Any) -> Console:
            portal = stack.enter_context(start_blocking_portal())
            running = _serving(replace(parts, **other), portal.call)
            return stack.enter_context(portal.wrap_async_context_manager(running))

        yield run


@pytest.fixture
def console(run_console) -> Console:
    """It knows nobody yet."""
    console: Console = run_console()
    return console


@pytest.fixture
def signed_in(console: Console) -> Iterator[Browser]:
    """The browser of ann, who has logged in."""
    console.add_user()
    with console.browser() as browser:
        answer = browser.log_in()
        assert answer.status_code == 303, answer.text
        yield browser


@pytest.fixture
def store(parts: ConsoleParts) -> Store:
    """The console's."""
    return parts.store


@pytest.fixture
def board(console: Console) -> Board:
    """Of a new device "front-door"."""
    return Board(console.parts.store, console.call)


@contextlib.asynccontextmanager
async def _serving(parts: ConsoleParts, call: Callable[..., Any]) -> AsyncIterator[Console]:
    async with contextlib.AsyncExitStack() as stack:
        if parts.guardiankey:
            await stack.enter_async_context(parts.guardiankey)
        app = console_app(parts)
        listener = stack.enter_context(
            Listener(app, "127.0.0.1", 0, max_connections=MAX_CONNECTIONS)
        )
        parts.store.on_changed.append(parts.live.changed)
        live = asyncio.create_task(parts.live.run())
        serving = asyncio.create_task(listener.serve())
        try:
            yield Console(listener.url, parts, call)
        finally:
            parts.live.stop()
            listener.stop()
            await serving
            live.cancel()
            await asyncio.wait([live])
