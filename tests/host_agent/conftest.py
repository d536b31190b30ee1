"""The two ends that an agent stands between: a board with its key, and a cloud."""

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from host_agent.guardiankey import Account
from host_agent.link.frames import open_reply, seal_report
from tests.host_agent.clock import Clock
from tests.host_agent.endpoint import Endpoint
from tests.host_agent.waiting import eventually, until
from tools.sandbox import Sandbox, running

CREDENTIALS = ("account-17", "correct horse battery staple")


@dataclass
class SealedBoard:
    """The board's end of the link: counts frames, seals reports, opens replies."""

    device: str
    key: bytes = field(repr=False)
    boot: int = 1
    frame: int = 0
    last: str = field(default="", repr=False)

    def seal(self, *events: object, **fields: object) -> bytes:
        """The next report as a frame. `fields` add to or replace those of the report."""
        self.frame += 1
        report = {"boot": self.boot, "frame": self.frame, "events": events} | fields
        return self.seal_bytes(json.dumps(report).encode())

    def seal_bytes(self, payload: bytes) -> bytes:
        self.last = seal_report(self.device, self.key, payload)
        return self.last.encode()

    def open(self, reply: bytes | str) -> dict[str, Any]:
        """The reply to the last frame, without what every reply has."""
        frame = reply if isinstance(reply, bytes) else reply.encode()
        content: dict[str, Any] = json.loads(open_reply(frame, self.device, self.key))
        assert content.pop("re") == self.last.rpartition(".")[2]
        assert isinstance(content.pop("now"), int)
        return content

    def post(self, url: str, frame: bytes) -> tuple[int, bytes]:
        """(status, body) of a frame sent to the agent at `url`."""
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=40)
        try:
            connection.request("POST", "/v1/frames", frame, {"Content-Type": "application/jose"})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def report(self, url: str, *events: object, **fields: object) -> dict[str, Any]:
        """Send a report to the agent at `url`; what its sealed reply says."""
        _, body = self.post(url, self.seal(*events, **fields))
        return self.open(body)


def press(boot: int, seq: int, **fields: object) -> dict[str, object]:
    """An event as a board sends it."""
    return {"id": [boot, seq], "type": "buttonState", "params": {"pressed": True}} | fields


class Cloud:
    """A sandbox on a thread of its own, which takes what comes with the right credentials."""

    def __init__(self, sandbox: Sandbox, portal: BlockingPortal) -> None:
        self.url = f"{sandbox.url}/api/v1/event"
        self._sandbox = sandbox
        self._portal = portal
        self._seen = 0

    def next_body(self) -> dict[str, Any]:
        """The next event that arrives, or has arrived and was not asked for yet."""
        return self._portal.call(self._next_body)

    def received(self) -> list[dict[str, Any]]:
        """Every event that has arrived so far."""
        return [msgspec.json.decode(event.body) for event in self._sandbox.inbox.after(0)]

    def refuse(self, status: int) -> None:
        """Answer with this status until `heal`."""
        fault = json.dumps([{"kind": "status", "status": status, "count": 0}]).encode()
        self._portal.call(self._sandbox.faults.add, fault)

    def heal(self) -> None:
        self._portal.call(self._sandbox.faults.clear)

    async def _next_body(self) -> dict[str, Any]:
        await until(lambda: self._sandbox.inbox.last > self._seen)
        event = self._sandbox.inbox.after(self._seen)[0]
        self._seen = event.n
        body: dict[str, Any] = msgspec.json.decode(event.body)
        return body


@pytest.fixture
def make_board() -> type[SealedBoard]:
    return SealedBoard


@pytest.fixture(name="press")
def press_fixture() -> Any:
    return press


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(running(credentials=CREDENTIALS)) as sandbox,
    ):
        yield Cloud(sandbox, portal)


@pytest.fixture
def serve() -> Iterator[Callable[..., Endpoint]]:
    """serve(answer=None, tls=None) starts an Endpoint that lives as long as the test."""
    with ExitStack() as stack:
        yield lambda *args, **kwargs: stack.enter_context(Endpoint(*args, **kwargs).serving())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def account() -> Account:
    """An account at GuardianKey, with made-up secrets."""
    return Account(
        agent_id="agent-1",
        organization_id="organization-1",
        auth_group_id="group-1",
        key=bytes(range(32)),
        iv=bytes(range(16)),
    )


@pytest.fixture
def environment() -> dict[str, str]:
    """Credentials that the cloud accepts, as the agent reads them."""
    return dict(zip(("THINGWARDEN_API_KEY", "THINGWARDEN_API_SECRET"), CREDENTIALS, strict=True))


@pytest.fixture(name="eventually")
def eventually_fixture() -> Any:
    return eventually


@pytest.fixture(name="until")
def until_fixture() -> Any:
    return until
