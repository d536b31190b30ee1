"""An account, and both clients behind one call."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from host_agent.guardiankey import Account, AsyncGuardianKey, GuardianKey
from tests.certificates import Authority
from tests.host_agent.endpoint import Endpoint, answering
from tools.sandbox import Sandbox, running
from tools.server_process import free_port

ACCEPT = b'{"response": "ACCEPT"}'
PATIENCE_S = 40.0
"""For an answer that comes, however busy this machine is."""


@pytest.fixture
def account() -> Account:
    return Account(
        agent_id="agent-1",
        organization_id="organization-1",
        auth_group_id="group-1",
        key=b"key-" * 8,
        iv=b"iv--" * 4,
        service="Lab",
    )


@pytest.fixture
def authority(tmp_path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture(params=["threads", "event loop"])
def ask(request, account) -> Callable[..., Any]:
    """ask(client settings)(name of a call, its arguments): by either client, what it returns.

    `after` is called as soon as that is known, before the client and its loop end.
    """

    def with_settings(
        api: str, after: Callable[[], None] = lambda: None, **settings: Any
    ) -> Callable[..., Any]:
        used = settings.pop("account", account)
        settings.setdefault("timeout", (PATIENCE_S, PATIENCE_S))

        def threaded(call: str, *arguments: Any, **named: Any) -> Any:
            with GuardianKey(used, api, **settings) as client:
                try:
                    return getattr(client, call)(*arguments, **named)
                finally:
                    after()

        async def looped(call: str, *arguments: Any, **named: Any) -> Any:
            async with AsyncGuardianKey(used, api, **settings) as client:
                try:
                    return await getattr(client, call)(*arguments, **named)
                finally:
                    after()

        if request.param == "threads":
            return threaded
        return lambda *arguments, **named: asyncio.run(looped(*arguments, **named))

    return with_settings


@pytest.fixture
def api(serve) -> Callable[..., Endpoint]:
    """api(body, status=200) starts an API that answers every request so."""

    def start(body: bytes = ACCEPT, status: int = 200, **options: Any) -> Endpoint:
        return serve(answering(body, status), **options)

    return start


@pytest.fixture
def content() -> Callable[[bytes], tuple[str, dict[str, Any]]]:
    """content(request): its path and the JSON object that it carries."""

    def of(request: bytes) -> tuple[str, dict[str, Any]]:
        head, body = request.split(b"\r\n\r\n", 1)
        return head.split()[1].decode(), json.loads(body)

    return of


@pytest.fixture
def unused_port() -> int:
    return free_port()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """GuardianKey's stand-in, which decrypts and checks for real."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(running()) as started,
    ):
        yield started
