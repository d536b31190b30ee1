"""Faults of GuardianKey's paths, which are apart from those of the event endpoint."""

import asyncio
import errno
import json
import time

import aiohttp
import pytest

from tools.sandbox import running


async def add(client, *faults):
    status, _ = await client.post("/sandbox/guardiankey/faults", list(faults))
    assert status == 200


async def taken(client):
    return len((await client.events())["events"])


@pytest.mark.parametrize(
    "path",
    ["/register", "/getevent", "/resolveevent", "/checkaccess", "/sendevent", "/v2/checkaccess"],
)
def test_every_path_meets_them(path, guardiankey):
    async def scenario(client):
        await add(client, {"kind": "status", "status": 503, "retry_after": 7})
        async with client.session.post(path, json=client.call(path)) as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "7")
        assert await taken(client) == 0
        async with client.session.get("/sandbox/guardiankey/faults") as response:
            assert await response.json() == []

    guardiankey(scenario)


def test_the_halves_do_not_share_them(guardiankey):
    async def scenario(client):
        await client.post("/sandbox/faults", [{"kind": "status", "status": 503}])
        await client.check()
        await add(client, {"kind": "hang"})
        async with client.session.delete("/sandbox/guardiankey/faults") as response:
            assert response.status == 204
        await client.check()
        async with client.session.post("/api/v1/event") as response:
            assert response.status == 503

    guardiankey(scenario)


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("body", ["", "null", "[1]", '{"response": "BLOCK"}', "<html>é</html>"])
def test_an_answer_is_given_word_for_word(status, body, guardiankey):
    async def scenario(client):
        await add(client, {"kind": "answer", "status": status, "body": body})
        async with client.session.post("/v2/checkaccess", json=client.v2()) as response:
            assert (response.status, await response.text()) == (status, body)
            assert response.content_type == "application/json"
        assert await taken(client) == 0

    guardiankey(scenario)


def test_an_answer_may_be_of_another_type(guardiankey):
    async def scenario(client):
        await add(client, {"kind": "answer", "body": "no", "content_type": "text/html"})
        async with client.session.post("/v2/checkaccess", json=client.v2()) as response:
            assert (response.status, response.content_type) == (200, "text/html")

    guardiankey(scenario)


def test_a_dripping_answer_is_whole_in_the_end(guardiankey):
    async def scenario(client):
        await add(client, {"kind": "drip", "seconds": 0.002})
        started = time.monotonic()
        async with client.session.post("/v2/checkaccess", json=client.v2()) as response:
            body = await response.read()
        assert len(body) == int(response.headers["Content-Length"])
        assert json.loads(body)["response"] == "ACCEPT"
        assert time.monotonic() - started >= (len(body) - 10) * 0.002
        assert await taken(client) == 1

    guardiankey(scenario)


def test_a_dripping_answer_does_not_hold_the_sandbox():
    async def scenario():
        async with aiohttp.ClientSession() as session:
            async with running() as sandbox:
                sandbox.guardiankey_faults.add(b'[{"kind": "drip", "seconds": 3600}]')
                dripping = await session.post(f"{sandbox.url}/getevent", json={})
            with pytest.raises(aiohttp.ClientError):
                await dripping.read()

    started = time.monotonic()
    asyncio.run(scenario())
    assert time.monotonic() - started < 30


def test_a_lost_answer_leaves_the_event_behind(guardiankey):
    async def scenario(client):
        await add(client, {"kind": "reset"}, {"kind": "reset_after_store"})
        for count in (0, 1):
            with pytest.raises(aiohttp.ClientOSError) as failure:
                await client.check()
            assert failure.value.errno == errno.ECONNRESET
            assert await taken(client) == count

    guardiankey(scenario)


def test_a_hanging_request_leaves_nothing_behind(guardiankey):
    async def scenario(client):
        await add(client, {"kind": "hang"})
        hanging = asyncio.create_task(client.check())
        done, _ = await asyncio.wait([hanging], timeout=0.1)
        assert not done and await taken(client) == 0
        hanging.cancel()

    guardiankey(scenario)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "answer"},
        {"kind": "answer", "body": 7},
        {"kind": "answer", "body": "", "status": 99},
        {"kind": "answer", "body": "", "content_type": "a\r\nb"},
        {"kind": "drip"},
        {"kind": "drip", "seconds": -1},
    ],
    ids=repr,
)
def test_a_wrong_fault_is_refused(fault, guardiankey):
    async def scenario(client):
        status, answer = await client.post("/sandbox/guardiankey/faults", [fault])
        assert status == 400
        assert "$[0]" in answer["error"]

    guardiankey(scenario)
