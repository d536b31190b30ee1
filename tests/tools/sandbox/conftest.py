"""A sandbox inside the test and a client that talks to it over HTTP."""

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from host_agent.securithings import Event, request_headers
from tools.sandbox import running


class Client:
    """Sends events that are right unless a test changes something."""

    event = Event("DEVICE", "buttonState").body("attic", "HVAC", "1484928000000")
    headers = request_headers("demo-key", "demo-secret")

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def send(self, event=event, headers=headers, method="POST"):
        """Sends `event` (a JSON value or the bytes of a body); returns status and answer's text."""
        body = {"data": event} if isinstance(event, bytes) else {"json": event}
        async with self.session.request(
            method, "/api/v1/event", headers=headers, **body
        ) as response:
            return response.status, await response.text()

    async def events(self, **query):
        async with self.session.get("/sandbox/events", params=query) as response:
            assert response.status == 200
            return await response.json()

    async def faults(self):
        async with self.session.get("/sandbox/faults") as response:
            return await response.json()

    async def add_faults(self, *faults):
        async with self.session.post("/sandbox/faults", json=list(faults)) as response:
            return response.status, await response.json()


@pytest.fixture
def sandbox() -> Callable[[Callable[[Client], Awaitable[None]]], None]:
    """sandbox(scenario) runs `async scenario(client)` against a fresh sandbox."""

    def run(scenario):
        async def run_scenario():
            async with running() as server, aiohttp.ClientSession(server.url) as session:
                await scenario(Client(session))

        asyncio.run(run_scenario())

    return run
