"""Events asked for and resolved with their token, and users blocked by hand."""

import dataclasses

import pytest

HOME, AWAY = "192.0.2.1", "198.51.100.1"


def of(answer, **more):
    return {"eventid": answer["eventId"], "token": answer["event_token"], **more}


async def resolve(client, answer, action):
    status, _ = await client.post("/resolveevent", of(answer, action=action))
    assert status == 200


def test_an_event_is_told_to_who_has_its_token(guardiankey):
    async def scenario(client):
        answer = await client.check(userName="josé", clientIP=AWAY, service="door")
        assert await client.post("/getevent", of(answer)) == (
            200,
            {
                "USERNAME": "josé",
                "LOCATION": "",
                "IPADDRESS": AWAY,
                "SYSTEM": "door",
                "DATETIME": str(client.now),
            },
        )

    guardiankey(scenario)


@pytest.mark.parametrize("path", ["/getevent", "/resolveevent"])
@pytest.mark.parametrize(
    "wrong", [{"token": "é"}, {"token": ""}, {"eventid": "other"}, {"eventid": "Ã©"}]
)
def test_a_wrong_token_tells_nothing(path, wrong, guardiankey):
    async def scenario(client):
        answer = await client.check()
        question = of(answer, action="BAD") | wrong
        status, told = await client.post(path, question)
        assert (status, told) == (200, {"return": "invalid event or token"})
        assert (await client.check())["response"] == "ACCEPT"

    guardiankey(scenario)


def test_a_token_is_of_one_event(guardiankey):
    async def scenario(client):
        first, second = await client.check(), await client.check()
        mixed = of(first) | {"token": second["event_token"]}
        assert (await client.post("/getevent", mixed))[1]["return"]

    guardiankey(scenario)


@pytest.mark.parametrize(
    ("change", "status", "problem"),
    [
        ({"eventid": None}, 400, "eventid: must be text, not null"),
        ({"token": 7}, 400, "token: must be text, not a number"),
        ({"token": "a" * 1025}, 413, "token: has more than 1024 characters"),
        ({"action": "MAYBE"}, 400, 'action: must be "GOOD" or "BAD"'),
        ({"action": None}, 400, "action: must be text, not null"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_wrong_field_is_named(change, status, problem, guardiankey):
    async def scenario(client):
        answer = await client.check()
        question = of(answer, action="GOOD") | change
        refused, told = await client.post("/resolveevent", question)
        assert (refused, told["error"]) == (status, problem)

    guardiankey(scenario)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"token": "t"}'])
def test_a_question_without_an_event_is_refused(body, guardiankey):
    async def scenario(client):
        status, told = await client.post("/getevent", body)
        assert status == 400
        assert told["error"].startswith(("body: ", "eventid: "))

    guardiankey(scenario)


def test_good_makes_the_address_the_users(guardiankey):
    async def scenario(client):
        await client.check(clientIP=HOME)
        answer = await client.check(clientIP=AWAY)
        assert answer["response"] == "NOTIFY"
        await resolve(client, answer, "GOOD")
        assert (await client.check(clientIP=AWAY))["response"] == "ACCEPT"

    guardiankey(scenario)


def test_bad_blocks_the_user_until_an_event_is_good(guardiankey):
    async def scenario(client):
        answer = await client.check()
        await resolve(client, answer, "BAD")
        assert (await client.check())["response"] == "BLOCK"
        assert (await client.check(userName="bob"))["response"] == "ACCEPT"
        await resolve(client, answer, "GOOD")
        assert (await client.check())["response"] == "ACCEPT"

    guardiankey(scenario)


def test_repeated_failures_are_blocked_whatever_call_tells_them(guardiankey):
    async def scenario(client):
        responses = []
        for path in ("/sendevent", "/checkaccess", "/v2/checkaccess", "/checkaccess"):
            event = client.event | {"loginFailed": "1"}
            responses.append((await client.post(path, client.call(path, event)))[1]["response"])
        assert responses == ["ACCEPT", "ACCEPT", "HARD_NOTIFY", "BLOCK"]
        assert (await client.check())["response"] == "BLOCK"

    guardiankey(scenario)


def test_a_user_is_blocked_by_hand(guardiankey):
    async def scenario(client):
        question = {"auth_group_id": "group-1", "user": "alice"}
        assert (await client.post("/sandbox/guardiankey/blocked", question))[0] == 204
        assert (await client.check())["response"] == "BLOCK"
        question["blocked"] = False
        assert (await client.post("/sandbox/guardiankey/blocked", question))[0] == 204
        assert (await client.check())["response"] == "ACCEPT"

    guardiankey(scenario)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"auth_group_id": "group-2"}, "auth_group_id"),
        ({"user": 7}, "user"),
        ({"blocked": "no"}, "blocked"),
    ],
)
def test_a_wrong_block_is_refused(change, field, guardiankey):
    async def scenario(client):
        question = {"auth_group_id": "group-1", "user": "alice"} | change
        status, told = await client.post("/sandbox/guardiankey/blocked", question)
        assert status == 400
        assert told["error"].startswith(f"{field}: ")

    guardiankey(scenario)


def test_a_user_is_blocked_from_the_start(guardiankey, account):
    async def scenario(client):
        assert (await client.check())["response"] == "BLOCK"

    guardiankey(scenario, [dataclasses.replace(account, blocked_users=("alice",))])
