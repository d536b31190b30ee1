"""The event endpoint: what it accepts, and how it names what it refuses (WIRE.md A1, A4)."""

import asyncio
import json

import pytest

from host_agent.securithings import request_headers


def basic(key, secret):
    return request_headers(key, secret)["Authorization"]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"DEVICE_ID": None},
        {"DEVICE_TYPE": 7},
        {"TYPE": ""},
        {"TIME": "0000"},
        {"TIME": 1484928000000},
        {"SOURCE": "USER", "SOURCE_IP": "203.0.113.7, 198.51.100.2", "USER_AGENT": "curl"},
        {"SOURCE": "USER", "SOURCE_IP": None, "USER_AGENT": ["curl", "7.88"]},
        {
            "USER_ID": "u",
            "SOURCE_GROUP_ID": "g",
            "SOURCE_GATEWAY_ID": "k",
            "SESSION_ID": "s",
            "EXT_EVT_ID": "e",
            "PARAMS": [{"NAME": "a", "VALUE": "1"}, {"NAME": "a", "VALUE": ""}],
        },
    ],
    ids=lambda more: "+".join(more) or "smallest",
)
def test_an_event_is_accepted_and_listed_as_it_came(more, sandbox):
    async def scenario(client):
        event = client.event | more
        assert await client.send(event) == (201, '{"status": "accepted"}')
        (received,) = (await client.events())["events"]
        assert received["body"] == event

    sandbox(scenario)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"TYPE": None}, "TYPE"),
        ({"TYPE": 5}, "TYPE"),
        ({"SOURCE": "device"}, "SOURCE"),
        ({"DEVICE_ID": 7}, "DEVICE_ID"),
        ({"DEVICE_TYPE": None}, "DEVICE_TYPE"),
        ({"DEVICE_TYPE": {}}, "DEVICE_TYPE"),
        ({"DEVICE_TYPE": True}, "DEVICE_TYPE"),
        ({"TIME": ""}, "TIME"),
        ({"TIME": "-1"}, "TIME"),
        ({"TIME": "1484928000000\n"}, "TIME"),
        ({"TIME": "yesterday"}, "TIME"),
        ({"TIME": "١٢"}, "TIME"),
        ({"TIME": 1.5}, "TIME"),
        ({"TIME": True}, "TIME"),
        ({"TIME": -1}, "TIME"),
        ({"USER_ID": None}, "USER_ID"),
        ({"SOURCE_GROUP_ID": 1}, "SOURCE_GROUP_ID"),
        ({"SOURCE_GATEWAY_ID": 1}, "SOURCE_GATEWAY_ID"),
        ({"SESSION_ID": 1}, "SESSION_ID"),
        ({"EXT_EVT_ID": 1}, "EXT_EVT_ID"),
        ({"SOURCE_IP": 1}, "SOURCE_IP"),
        ({"USER_AGENT": {}}, "USER_AGENT"),
        ({"PARAMS": []}, "PARAMS"),
        ({"PARAMS": {"a": "1"}}, "PARAMS"),
        ({"PARAMS": [{"NAME": "a", "VALUE": 1}]}, "PARAMS[0].VALUE"),
        ({"PARAMS": [{"NAME": "a", "VALUE": "1"}, {"NAME": "b"}]}, "VALUE"),
        ({"PARAMS": [{"NAME": "a", "VALUE": "1", "UNIT": "C"}]}, "UNIT"),
        ({"user_id": "u"}, "user_id"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else value,
)
def test_a_wrong_field_is_named(more, field, sandbox):
    async def scenario(client):
        status, answer = await client.send(client.event | more)
        assert status == 400
        assert field in json.loads(answer)["error"]
        assert (await client.events())["events"] == []

    sandbox(scenario)


@pytest.mark.parametrize("field", ["TYPE", "SOURCE", "DEVICE_ID", "DEVICE_TYPE", "TIME"])
def test_a_missing_field_is_named(field, sandbox):
    async def scenario(client):
        event = {name: value for name, value in client.event.items() if name != field}
        status, answer = await client.send(event)
        assert status == 400
        assert field in json.loads(answer)["error"]

    sandbox(scenario)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"TYPE": NaN}', b'{"TYPE": "\xff"}', b"\xef\xbb\xbf{}"],
)
def test_what_is_no_json_object_is_refused(body, sandbox):
    async def scenario(client):
        status, answer = await client.send(body)
        assert status == 400
        assert json.loads(answer)["error"]

    sandbox(scenario)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"Authorization": None}, 401),
        ({"Authorization": basic("demo-key", "wrong")}, 401),
        ({"Authorization": basic("wrong", "demo-secret")}, 401),
        ({"Authorization": basic("demo-key", "demo-secret ")}, 401),
        ({"Authorization": basic("", "")}, 401),
        ({"Authorization": "Basic !!!"}, 401),
        ({"Authorization": "Basic é"}, 401),
        ({"Authorization": "Bearer ZGVtby1rZXk6ZGVtby1zZWNyZXQ="}, 401),
        ({"Authorization": "basic ZGVtby1rZXk6ZGVtby1zZWNyZXQ="}, 201),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/json; charset=utf-8"}, 201),
        ({"Accept": "text/html"}, 406),
        ({"Accept": "application/json;q=0, text/html"}, 406),
        ({"Accept": "text/html, application/*;q=0.5"}, 201),
        ({"Accept": "*/*"}, 201),
    ],
)
def test_headers(change, status, sandbox):
    async def scenario(client):
        headers = {k: v for k, v in (client.headers | change).items() if v is not None}
        assert (await client.send(headers=headers))[0] == status

    sandbox(scenario)


def test_who_is_refused_learns_the_scheme(sandbox):
    async def scenario(client):
        async with client.session.post("/api/v1/event", json=client.event) as response:
            assert response.status == 401
            assert response.headers["WWW-Authenticate"].startswith("Basic")

    sandbox(scenario)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_allowed(method, sandbox):
    async def scenario(client):
        assert (await client.send(method=method))[0] == 405

    sandbox(scenario)


def test_a_body_beyond_the_limit_is_refused(sandbox):
    async def scenario(client):
        assert (await client.send(client.event | {"USER_ID": "x" * 70_000}))[0] == 413
        assert (await client.send())[0] == 201

    sandbox(scenario)


def test_a_repeated_event_is_listed_twice(sandbox):
    async def scenario(client):
        event = client.event | {"EXT_EVT_ID": "attic:1:1"}
        assert [(await client.send(event))[0] for _ in range(2)] == [201, 201]
        listed = await client.events()
        assert [item["n"] for item in listed["events"]] == [1, 2]
        assert listed["next"] == 2

    sandbox(scenario)


def test_a_reader_goes_on_where_it_was(sandbox):
    async def scenario(client):
        for number in range(3):
            await client.send(client.event | {"EXT_EVT_ID": str(number)})
        listed = await client.events(after=1)
        assert [item["body"]["EXT_EVT_ID"] for item in listed["events"]] == ["1", "2"]
        assert (await client.events(after=listed["next"]))["events"] == []

    sandbox(scenario)


def test_a_waiting_reader_gets_the_next_event(sandbox):
    async def scenario(client):
        waiting = asyncio.create_task(client.events(after=0, wait=30))
        await client.send()
        assert [item["n"] for item in (await waiting)["events"]] == [1]

    sandbox(scenario)


def test_a_reader_may_be_ahead(sandbox):
    async def scenario(client):
        await client.send()
        told = await client.events(after=str(10**30))
        assert (told["events"], told["next"]) == ([], 1)

    sandbox(scenario)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_body_that_is_not_encoded_as_told_is_no_failure(encoding, sandbox):
    async def scenario(client):
        for path in ("/api/v1/event", "/checkaccess", "/register", "/sandbox/faults"):
            headers = client.headers | {"Content-Encoding": encoding}
            async with client.session.post(path, data=b"nonsense", headers=headers) as response:
                assert response.status == 400

    sandbox(scenario)


def test_a_reader_does_not_wait_for_ever(sandbox):
    async def scenario(client):
        assert (await client.events(wait=0.05))["events"] == []

    sandbox(scenario)


def test_forgotten_events_leave_their_numbers_behind(sandbox):
    async def scenario(client):
        await client.send()
        async with client.session.delete("/sandbox/events") as response:
            assert response.status == 204
        assert (await client.events())["events"] == []
        await client.send()
        assert [item["n"] for item in (await client.events())["events"]] == [2]

    sandbox(scenario)


@pytest.mark.parametrize(
    "query", ["after=x", "after=-1", "wait=x", "wait=-1", "wait=61", "wait=nan"]
)
def test_a_wrong_question_is_refused(query, sandbox):
    async def scenario(client):
        async with client.session.get(f"/sandbox/events?{query}") as response:
            assert response.status == 400

    sandbox(scenario)
