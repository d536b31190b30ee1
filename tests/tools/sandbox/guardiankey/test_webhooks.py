"""Notifications: what they hold, how they travel, how often they are tried."""

import asyncio
import dataclasses
import time
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from host_agent import guardiankey as host
from tools.sandbox.guardiankey import webhooks


class Receiver:
    """A webhook that answers with the given statuses in order, the last one for ever."""

    def __init__(self, statuses):
        self.url = ""
        self.bodies = []
        self.times = []
        self._statuses = list(statuses)

    async def take(self, request):
        assert request.content_type == "application/json"
        self.bodies.append(await request.read())
        self.times.append(time.monotonic())
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        return web.Response(status=status, headers={"Location": "/hook"} if status == 302 else {})

    @asynccontextmanager
    async def running(self):
        app = web.Application()
        app.router.add_post("/hook", self.take)
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
            yield self
        finally:
            await runner.cleanup()


@pytest.fixture
def notified(guardiankey, account):
    """notified(scenario, *statuses) runs `async scenario(client, receiver)`: the group's webhook
    is the receiver, which answers with these statuses."""

    def run(scenario, *statuses):
        receiver = Receiver(statuses)

        async def in_sandbox(client):
            async with receiver.running():
                with_webhook = dataclasses.replace(
                    account, auth_group_id="group-2", webhook_url=receiver.url
                )
                client.sandbox.guardiankey.accounts.add(with_webhook)
                client.account = with_webhook
                client.event = client.event | {"authGroupId": "group-2"}
                await scenario(client, receiver)

        guardiankey(in_sandbox)

    return run


async def settled(client, state):
    """The only notification, once it is in this state."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        (notification,) = (await client.listed("webhooks", wait=30))["webhooks"]
        if notification["state"] == state:
            return notification
        await asyncio.sleep(0.01)
    raise AssertionError(notification)


async def told(client):
    """The answer to an attempt that the webhook hears of."""
    await client.check()
    answer = await client.check(clientIP="198.51.100.1", userAgent="Firefox on Linux")
    assert answer["response"] == "NOTIFY"
    return answer


def test_our_own_receiver_believes_a_notification(notified):
    async def scenario(client, receiver):
        answer = await told(client)
        sent = await settled(client, "delivered")
        assert (sent["attempts"], sent["last_status"]) == (1, 200)
        assert (sent["auth_group_id"], sent["url"]) == ("group-2", receiver.url)
        account = host.Account(
            agent_id="a",
            organization_id="organization-1",
            auth_group_id="group-2",
            key=client.account.key,
            iv=client.account.iv,
        )
        (body,) = receiver.bodies
        notification = host.open_notification(account, body, "application/json", client.now)
        assert notification.response == host.Response.NOTIFY
        assert notification.raw == sent["content"]
        assert sent["content"] == {
            "generatedTime": client.now,
            "message_contextual": "an address that is new for the user",
            "userName": "alice",
            "agentId": "door-1",
            "eventId": answer["eventId"],
            "event_token": answer["event_token"],
            "risk_level": "MEDIUM",
            "service": "lab door",
            "clientIP": "198.51.100.1",
            "asn": "",
            "clientReverse": "",
            "client_ua": "Firefox",
            "client_device": "",
            "client_os": "Linux",
            "country": "",
            "region": "",
            "city": "",
            "country_code": "",
            "latitude": "",
            "longitude": "",
            "risk_value": "50",
            "authMethod": "",
            "event_response": "NOTIFY",
            "message_intel": "",
            "authGroupId": "group-2",
            "organizationId": "organization-1",
            "message_psychometric": "",
        }

    notified(scenario, 200)


def test_only_what_is_not_accepted_is_told(notified):
    async def scenario(client, _receiver):
        responses = [(await client.check(loginFailed="1"))["response"] for _ in range(4)]
        responses.append((await client.check())["response"])
        sent = (await client.listed("webhooks"))["webhooks"]
        assert [item["content"]["event_response"] for item in sent] == [
            response for response in responses if response != "ACCEPT"
        ]
        assert [item["content"]["risk_level"] for item in sent] == ["HIGH"] * 3

    notified(scenario, 200)


def test_a_refused_notification_is_sent_again_with_growing_pauses(notified):
    async def scenario(client, receiver):
        await told(client)
        sent = await settled(client, "delivered")
        assert (sent["attempts"], sent["last_status"]) == (4, 204)
        assert len(set(receiver.bodies)) == 1
        pauses = [b - a for a, b in zip(receiver.times, receiver.times[1:], strict=False)]
        for waited, pause in zip(pauses, webhooks.PAUSES_S, strict=False):
            assert waited >= pause - 0.01

    notified(scenario, 500, 404, 302, 204)


def test_a_notification_is_given_up_in_the_end(notified):
    async def scenario(client, receiver):
        client.sandbox.guardiankey.webhooks.pauses_s = (0.01, 0.02)
        await told(client)
        sent = await settled(client, "failed")
        assert (sent["attempts"], sent["last_status"]) == (3, 503)
        assert len(receiver.bodies) == 3

    notified(scenario, 503)


def test_a_webhook_that_is_not_there_is_tried_again(guardiankey, account):
    async def scenario(client):
        client.sandbox.guardiankey.webhooks.pauses_s = (0.01,)
        await told(client)
        sent = await settled(client, "failed")
        assert (sent["attempts"], sent["last_status"]) == (2, None)
        await client.clear("webhooks")
        assert (await client.listed("webhooks"))["webhooks"] == []

    guardiankey(scenario, [dataclasses.replace(account, webhook_url="http://127.0.0.1:1/hook")])


def test_what_is_pending_is_bounded(guardiankey, account):
    async def scenario(client):
        client.sandbox.guardiankey.webhooks.max_pending = 1
        await told(client)
        await told(client)
        sent = (await client.listed("webhooks"))["webhooks"]
        assert [item["state"] for item in sent] == ["pending", "failed"]
        assert (sent[1]["attempts"], sent[1]["last_status"]) == (0, None)

    guardiankey(scenario, [dataclasses.replace(account, webhook_url="http://127.0.0.1:1/hook")])


def test_a_group_without_a_webhook_is_told_nothing(guardiankey):
    async def scenario(client):
        await told(client)
        assert (await client.listed("webhooks"))["webhooks"] == []

    guardiankey(scenario)


def test_what_is_pending_does_not_hold_the_sandbox(guardiankey, account):
    started = time.monotonic()

    async def scenario(client):
        await told(client)

    guardiankey(scenario, [dataclasses.replace(account, webhook_url="http://127.0.0.1:1/hook")])
    assert time.monotonic() - started < sum(webhooks.PAUSES_S)
