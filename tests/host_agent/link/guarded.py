"""An agent's end of the link that relays to the sandbox's GuardianKey, all in one event loop."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from host_agent.guardiankey import Account
from host_agent.guardiankey.aio import Api
from host_agent.guardiankey.envelope import encrypted
from host_agent.guardiankey.event import Attempt, event_text
from host_agent.link.relay import Relay
from host_agent.link.sessions import Sessions
from host_agent.metrics import Metrics
from host_agent.store import Store
from tools.sandbox import Account as KnownAccount
from tools.sandbox import Sandbox, running

ACCOUNT = Account(
    agent_id="agent",
    organization_id="organization",
    auth_group_id="group",
    key=b"k" * 32,
    iv=b"i" * 16,
)
PATIENCE_S = 40.0
"""For an answer that comes, however busy this machine is."""
KNOWN = KnownAccount("group", "organization", ACCOUNT.key, ACCOUNT.iv)


def attempt(
    number: int, user: str = "ann", *, ask: bool = True, failed: bool = False, **fields: object
) -> dict[str, object]:
    """An attempt as a board sends it, with an event that GuardianKey can open."""
    facts = Attempt(user, login_failed=failed, client_ip="10.0.0.7")
    event = event_text(ACCOUNT, facts, int(time.time()))
    message = encrypted(ACCOUNT, event)
    return {"id": number, "authGroupId": "group", "message": message, "ask": ask} | fields


@dataclass
class Guarded:
    sessions: Sessions
    relay: Relay
    sandbox: Sandbox

    async def exchange(self, board: Any, *events: object, **fields: object) -> dict[str, Any]:
        """Send the board's next report; what its reply says."""
        answer = await self.sessions.exchange(board.seal(*events, **fields))
        assert len(answer.frame) <= 2048
        reply: dict[str, Any] = board.open(answer.frame)
        return reply

    def taken(self) -> list[tuple[str, str]]:
        """(path, user) of every event that GuardianKey has taken."""
        return [
            (received.body.path, str(received.body.event["userName"]))
            for received in self.sandbox.guardiankey.inbox.after(0)
        ]

    def fault(self, kind: str, **fields: object) -> None:
        """What the next request to GuardianKey meets."""
        self.sandbox.guardiankey_faults.add(json.dumps([{"kind": kind, **fields}]).encode())

    def let_go(self) -> None:
        """GuardianKey resets what hangs."""
        self.sandbox._guardiankey.close()

    def be_patient(self) -> None:
        """From now on GuardianKey may take its time."""
        self.relay._call_s = PATIENCE_S


@asynccontextmanager
async def guarded(store: Store, metrics: Metrics, **limits: Any) -> AsyncIterator[Guarded]:
    """With the relay's own `limits`."""
    async with (
        running(accounts=[KNOWN]) as sandbox,
        Api(sandbox.url, connect_s=PATIENCE_S, total_s=PATIENCE_S) as api,
    ):
        relay = Relay(api, store, metrics, **{"call_s": PATIENCE_S, **limits})
        yield Guarded(Sessions(store, metrics, relay), relay, sandbox)
        await relay.stop()
