"""/v2/checkgktinc: captured, recorded, answered."""

import pytest

GKTINC = {
    "timestamp": "1700000000",
    "agent_id": "agent",
    "organization_id": "organization-1",
    "authgroup_id": "group-1",
    "service": "web",
    **dict.fromkeys(("sa", "o1", "o2", "mh", "p", "su"), ""),
    "username": "alice",
}


def test_checkgktinc_is_listed_and_answered(guardiankey):
    async def scenario(client):
        status, answer = await client.post("/v2/checkgktinc", client.v2(GKTINC))
        assert (status, answer["response"]) == (200, "ACCEPT")
        (taken,) = (await client.events())["events"]
        assert (taken["path"], taken["event"]) == ("/v2/checkgktinc", GKTINC)

    guardiankey(scenario)


@pytest.mark.parametrize(
    ("change", "status", "problem"),
    [
        ({"authgroup_id": "group-2"}, 403, "authgroup_id: is not the group"),
        ({"timestamp": "0"}, 403, "timestamp: 0 is not within"),
        ({"username": None}, 400, "username: must be text"),
        ({"su": 1}, 400, "su: must be text"),
    ],
    ids=str,
)
def test_a_wrong_field_of_checkgktinc_is_named(change, status, problem, guardiankey):
    async def scenario(client):
        refused, error = await client.refusal("/v2/checkgktinc", client.v2(GKTINC | change))
        assert refused == status
        assert error.startswith(problem)

    guardiankey(scenario)
