"""Faults: each meets the event requests that it was meant for, in order."""

import asyncio
import errno

import aiohttp
import pytest

from tools.sandbox import running


def test_faults_meet_the_next_requests_in_order(sandbox):
    async def scenario(client):
        await client.add_faults(
            {"kind": "status", "status": 503, "count": 2}, {"kind": "status", "status": 429}
        )
        statuses = [(await client.send())[0] for _ in range(4)]
        assert statuses == [503, 503, 429, 201]
        assert len((await client.events())["events"]) == 1

    sandbox(scenario)


def test_retry_after_is_sent(sandbox):
    async def scenario(client):
        await client.add_faults({"kind": "status", "status": 429, "retry_after": 7})
        async with client.session.post("/api/v1/event") as response:
            assert (response.status, response.headers["Retry-After"]) == (429, "7")

    sandbox(scenario)


def test_a_delayed_event_is_overtaken(sandbox):
    async def scenario(client):
        await client.add_faults({"kind": "delay", "seconds": 0.5})
        delayed = asyncio.create_task(client.send(client.event | {"EXT_EVT_ID": "delayed"}))
        while await client.faults():
            pass
        assert (await client.send(client.event | {"EXT_EVT_ID": "prompt"}))[0] == 201
        assert (await delayed)[0] == 201
        listed = (await client.events())["events"]
        assert [item["body"]["EXT_EVT_ID"] for item in listed] == ["prompt", "delayed"]

    sandbox(scenario)


def test_a_reset_leaves_nothing_behind(sandbox):
    async def scenario(client):
        await client.add_faults({"kind": "reset"})
        with pytest.raises(aiohttp.ClientOSError) as failure:
            await client.send()
        assert failure.value.errno == errno.ECONNRESET
        assert (await client.events())["events"] == []

    sandbox(scenario)


def test_a_lost_answer_leaves_the_event_behind(sandbox):
    async def scenario(client):
        await client.add_faults({"kind": "reset_after_store"})
        with pytest.raises(aiohttp.ClientOSError) as failure:
            await client.send()
        assert failure.value.errno == errno.ECONNRESET
        assert len((await client.events())["events"]) == 1

    sandbox(scenario)


def test_a_hanging_request_gets_no_answer_and_does_not_hold_the_sandbox():
    async def scenario():
        async with aiohttp.ClientSession() as session:
            async with running() as server:
                async with session.post(
                    f"{server.url}/sandbox/faults", json=[{"kind": "hang"}]
                ) as response:
                    assert response.status == 200
                hanging = asyncio.create_task(session.post(f"{server.url}/api/v1/event"))
                done, _ = await asyncio.wait([hanging], timeout=0.1)
                assert not done
            with pytest.raises(aiohttp.ClientConnectionError):
                await hanging

    asyncio.run(scenario())


def test_a_count_of_zero_lasts_until_the_faults_are_cleared(sandbox):
    async def scenario(client):
        await client.add_faults({"kind": "status", "status": 500, "count": 0})
        assert [(await client.send())[0] for _ in range(5)] == [500] * 5
        async with client.session.delete("/sandbox/faults") as response:
            assert response.status == 204
        assert (await client.send())[0] == 201

    sandbox(scenario)


def test_what_is_left_is_listed(sandbox):
    async def scenario(client):
        await client.add_faults({"kind": "status", "status": 503, "count": 3})
        await client.add_faults({"kind": "hang"})
        await client.send()
        left = [(fault["kind"], fault["count"]) for fault in await client.faults()]
        assert left == [("status", 2), ("hang", 1)]

    sandbox(scenario)


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"kind": "flood"},
        {"kind": "status"},
        {"kind": "status", "status": 99},
        {"kind": "status", "status": "503"},
        {"kind": "status", "status": 503, "retry_after": "soon"},
        {"kind": "delay"},
        {"kind": "delay", "seconds": -1},
        {"kind": "reset", "count": -1},
        {"kind": "reset", "seconds": 1},
        "reset",
    ],
    ids=repr,
)
def test_a_wrong_fault_is_refused_with_the_whole_list(fault, sandbox):
    async def scenario(client):
        status, answer = await client.add_faults({"kind": "reset"}, fault)
        assert status == 400
        assert "$[1]" in answer["error"]
        assert (await client.send())[0] == 201

    sandbox(scenario)


def test_a_list_of_faults_is_wanted(sandbox):
    async def scenario(client):
        async with client.session.post("/sandbox/faults", json={"kind": "reset"}) as response:
            assert response.status == 400

    sandbox(scenario)
