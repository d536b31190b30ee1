"""What an event must hold, how each wrong field is named, and how it is listed."""

import json

import pytest

PATHS = ("/checkaccess", "/sendevent", "/v2/checkaccess")


@pytest.mark.parametrize("path", PATHS)
def test_an_event_is_taken_answered_and_listed_as_it_came(path, guardiankey):
    async def scenario(client):
        status, answer = await client.post(path, client.call(path))
        assert status == 200
        assert answer["response"] == "ACCEPT"
        listed = await client.events()
        (taken,) = listed["events"]
        assert isinstance(taken.pop("received_ms"), int)
        assert taken == {
            "n": 1,
            "path": path,
            "transport": "http",
            "auth_group_id": "group-1",
            "event": client.event,
            "response": "ACCEPT",
            "repeated": False,
        }
        assert (listed["next"], listed["dropped"]) == (1, 0)

    guardiankey(scenario)


def test_every_value_of_an_answer_is_text(guardiankey):
    async def scenario(client):
        answer = await client.check(userAgent="Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0")
        assert all(isinstance(value, str) for value in answer.values())
        assert {
            name: answer[name] for name in answer if name not in ("eventId", "event_token")
        } == {
            "response": "ACCEPT",
            "response_cache": "0",
            "message": "",
            "risk": "5",
            "risk_psychometric": "0",
            "risk_intel": "0",
            "risk_context": "5",
            "generatedTime": str(client.now),
            "client_ua": "Firefox",
            "client_os": "Linux",
            "country": "",
        }
        assert answer["eventId"] != answer["event_token"]

    guardiankey(scenario)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"generatedTime": "1700000000"},
        {"generatedTime": 1_700_000_600},
        {"generatedTime": "1699999400"},
        {"loginFailed": 0},
        {"loginFailed": 1},
        {"loginFailed": False},
        {"loginFailed": True},
        {"loginFailed": ""},
        {"loginFailed": "1"},
        {"loginFailed": "True"},
        {"userEmail": None},
        {"clientIP": "198.51.100.5, 10.0.0.1"},
        {"clientIP": ",198.51.100.5"},
        {"userName": "José Ñandú 🔑"},
        {"userName": ""},
        {"userAgent": "A" * 4096},
        {"sequential": 7},
        {"sequential": "7"},
        {"event_type": "Transaction"},
        {"somethingNew": {"a": [1, None]}},
    ],
    ids=lambda change: json.dumps(change)[:40],
)
def test_what_clients_send_is_taken_as_it_came(path, change, guardiankey):
    async def scenario(client):
        event = client.event | change
        assert (await client.post(path, client.call(path, event)))[0] == 200
        assert [item["event"] for item in (await client.events())["events"]] == [event]

    guardiankey(scenario)


@pytest.mark.parametrize("name", ["userEmail", "event_type", "clientReverse", "psychometricTyped"])
def test_what_may_be_missing(name, guardiankey):
    async def scenario(client):
        event = {key: value for key, value in client.event.items() if key != name}
        assert (await client.post("/v2/checkaccess", client.v2(event)))[0] == 200

    guardiankey(scenario)


def test_the_other_name_of_the_event_type(guardiankey):
    async def scenario(client):
        event = client.event | {"eventType": "Transaction"}
        status, error = await client.refusal("/v2/checkaccess", client.v2(event))
        assert (status, error) == (400, "eventType: is not equal to event_type")
        del event["event_type"]
        assert (await client.post("/v2/checkaccess", client.v2(event)))[0] == 200

    guardiankey(scenario)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("change", "status", "problem"),
    [
        ({"authGroupId": "group-2"}, 403, "authGroupId: is not the group"),
        ({"authGroupId": True}, 400, "authGroupId: must be text, not a boolean"),
        ({"userName": None}, 400, "userName: must be text, not null"),
        ({"userName": 7}, 400, "userName: must be text, not a number"),
        ({"userName": ["a"]}, 400, "userName: must be text, not an array"),
        ({"userAgent": {}}, 400, "userAgent: must be text, not an object"),
        ({"userName": "a" * 1025}, 413, "userName: has more than 1024 characters"),
        ({"userAgent": "a" * 4097}, 413, "userAgent: has more than 4096 characters"),
        ({"loginFailed": "2"}, 400, "loginFailed: must be"),
        ({"loginFailed": 2}, 400, "loginFailed: must be"),
        ({"loginFailed": 1.0}, 400, "loginFailed: must be"),
        ({"loginFailed": None}, 400, "loginFailed: must be"),
        ({"generatedTime": "soon"}, 400, "generatedTime: must be a whole number"),
        ({"generatedTime": "\u0661"}, 400, "generatedTime: must be a whole number"),
        ({"generatedTime": 1.7e9}, 400, "generatedTime: must be a whole number"),
        ({"generatedTime": True}, 400, "generatedTime: must be a whole number"),
        ({"generatedTime": 10**12}, 400, "generatedTime: must be a whole number"),
        ({"generatedTime": "9" * 5000}, 400, "generatedTime: must be a whole number"),
        ({"generatedTime": 1_700_000_601}, 403, "generatedTime: 1700000601 is not within"),
        ({"sequential": -1}, 400, "sequential: must be a whole number"),
        ({"sequential": None}, 400, "sequential: must be a whole number"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_field_of_the_event_is_named(path, change, status, problem, guardiankey):
    async def scenario(client):
        body = client.call(path, client.event | change)
        refused, error = await client.refusal(path, body)
        assert refused == status
        assert error.startswith(problem)
        (listed,) = (await client.listed("refused"))["refused"]
        assert (listed["path"], listed["status"], listed["error"]) == (path, status, error)

    guardiankey(scenario)


@pytest.mark.parametrize(
    "name",
    ["agentId", "organizationId", "authGroupId", "service", "clientIP", "userName", "loginFailed"],
)
def test_a_missing_field_of_the_event_is_named(name, guardiankey):
    async def scenario(client):
        event = {key: value for key, value in client.event.items() if key != name}
        status, error = await client.refusal("/v2/checkaccess", client.v2(event))
        assert status == 400
        assert error.startswith(f"{name}: ")

    guardiankey(scenario)


@pytest.mark.parametrize(
    ("path", "age", "status"),
    [
        ("/checkaccess", 600, 200),
        ("/checkaccess", 601, 403),
        ("/v2/checkaccess", 601, 403),
        ("/sendevent", 601, 200),
        ("/sendevent", 7 * 86400, 200),
        ("/sendevent", 7 * 86400 + 1, 403),
    ],
)
def test_a_verdict_is_about_now_and_a_record_may_come_late(path, age, status, guardiankey):
    async def scenario(client):
        event = client.event | {"generatedTime": client.now - age}
        assert (await client.post(path, client.call(path, event)))[0] == status

    guardiankey(scenario)


@pytest.mark.parametrize("path", PATHS)
def test_an_equal_message_is_taken_and_marked(path, guardiankey):
    async def scenario(client):
        for _ in range(2):
            assert (await client.post(path, client.call(path)))[0] == 200
        other = client.event | {"userName": "bob"}
        await client.post(path, client.call(path, other))
        marks = [item["repeated"] for item in (await client.events())["events"]]
        assert marks == [False, True, False]

    guardiankey(scenario)


def test_an_agents_sequential_that_came_before_is_marked(guardiankey):
    async def scenario(client):
        await client.check(sequential=7)
        await client.check(sequential=7, loginFailed="1")
        await client.check(sequential=8)
        await client.check(sequential=7, agentId="door-2")
        marks = [item["repeated"] for item in (await client.events())["events"]]
        assert marks == [False, True, False, False]

    guardiankey(scenario)


def test_forgotten_events_leave_their_numbers_behind(guardiankey):
    async def scenario(client):
        await client.check()
        await client.clear("events")
        assert (await client.events())["events"] == []
        await client.check()
        assert [item["n"] for item in (await client.events(after=1))["events"]] == [2]

    guardiankey(scenario)
