"""A sandbox inside the test and a GuardianKey client whose every field a test can choose."""

import asyncio
import base64
import hashlib
import json
import socket
from typing import ClassVar

import aiohttp
import pytest
from Crypto.Cipher import AES

from tools.sandbox import Account, Sandbox, running

NOW = 1_700_000_000
ACCOUNT = Account("group-1", "organization-1", bytes(range(32)), bytes(range(16)))


class Client:
    """Sends events that are right unless a test changes something."""

    account = ACCOUNT
    now = NOW
    event: ClassVar = {
        "generatedTime": NOW,
        "agentId": "door-1",
        "organizationId": "organization-1",
        "authGroupId": "group-1",
        "service": "lab door",
        "clientIP": "192.0.2.1",
        "clientReverse": "",
        "userName": "alice",
        "authMethod": "",
        "loginFailed": "0",
        "userAgent": "ThingWarden/1 (door-1)",
        "psychometricTyped": "",
        "psychometricImage": "",
        "event_type": "Authentication",
        "userEmail": "alice@example.test",
    }

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.session = session

    def v1(self, event=event):
        """The body of a call, the event encrypted; `event`: a JSON value or the plain text."""
        text = event if isinstance(event, bytes) else json.dumps(event).encode()
        cipher = AES.new(self.account.key, AES.MODE_CFB, self.account.iv, segment_size=8)
        message = base64.b64encode(cipher.encrypt(text)).decode()
        return {"id": self.account.auth_group_id, "message": message}

    def v2(self, event=event):
        """The body of a call with the event in clear and its hash."""
        text = event if isinstance(event, bytes) else json.dumps(event).encode()
        secrets = base64.b64encode(self.account.key) + base64.b64encode(self.account.iv)
        hashed = hashlib.sha256(text + secrets).hexdigest()
        return {"id": self.account.auth_group_id, "message": text.decode(), "hash": hashed}

    def call(self, path, event=event):
        """The body of a call of this path."""
        return self.v2(event) if path.startswith("/v2/") else self.v1(event)

    async def post(self, path, body, content_type="application/json"):
        """Status and answer (from JSON if it is that); `body`: a JSON value or bytes."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": content_type}
        async with self.session.post(path, data=data, headers=headers) as response:
            text = await response.text()
            is_json = response.content_type == "application/json"
            return response.status, json.loads(text) if is_json and text else text

    async def check(self, **changes):
        """The answer to one more attempt, which must be taken."""
        status, answer = await self.post("/v2/checkaccess", self.v2(self.event | changes))
        assert status == 200, answer
        return answer

    async def refusal(self, path, body):
        """Status and message of a request that must be refused, and leaves no event behind."""
        status, answer = await self.post(path, body)
        assert (await self.events())["events"] == []
        return status, answer["error"]

    def datagram(self, content):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(content, self.sandbox.collector)

    async def listed(self, name, **query):
        async with self.session.get(f"/sandbox/guardiankey/{name}", params=query) as response:
            assert response.status == 200
            return await response.json()

    async def events(self, **query):
        return await self.listed("events", **query)

    async def clear(self, name):
        async with self.session.delete(f"/sandbox/guardiankey/{name}") as response:
            assert response.status == 204


@pytest.fixture
def guardiankey():
    """guardiankey(scenario) runs `async scenario(client)` against a fresh sandbox."""

    def run(scenario, accounts=(ACCOUNT,), now=NOW):
        async def run_scenario():
            async with (
                running(accounts=accounts, now=now) as sandbox,
                aiohttp.ClientSession(sandbox.url) as session,
            ):
                await scenario(Client(sandbox, session))

        asyncio.run(run_scenario())

    return run


@pytest.fixture
def account():
    return ACCOUNT
