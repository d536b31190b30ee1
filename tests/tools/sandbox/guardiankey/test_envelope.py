"""What the body around the message must be, and how each wrong field is named."""

import json

import pytest

PATHS = ("/checkaccess", "/sendevent", "/v2/checkaccess")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("id_name", "message_name"), [("authgroupid", "message"), ("authGroupId", "data")]
)
def test_other_names_of_the_envelopes_fields(path, id_name, message_name, guardiankey):
    async def scenario(client):
        body = client.call(path)
        body[message_name] = body.pop("message")
        body[id_name] = body.pop("id")
        assert (await client.post(path, body))[0] == 200

    guardiankey(scenario)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("change", "status", "problem"),
    [
        ({"id": None}, 400, "id: must be text, not null"),
        ({"id": True}, 400, "id: must be text, not a boolean"),
        ({"id": "group-2"}, 401, "id: no such authentication group"),
        ({"id": ""}, 401, "id: no such authentication group"),
        ({"authgroupid": "group-2"}, 400, "authgroupid: is not equal to id"),
        ({"message": None}, 400, "message: must be text, not null"),
        ({"message": {}}, 400, "message: must be text, not an object"),
        ({"data": "other"}, 400, "data: is not equal to message"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_field_of_the_envelope_is_named(path, change, status, problem, guardiankey):
    async def scenario(client):
        refused, error = await client.refusal(path, client.call(path) | change)
        assert refused == status
        assert error.startswith(problem)

    guardiankey(scenario)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ["id", "message"])
def test_a_missing_field_of_the_envelope_is_named(path, name, guardiankey):
    async def scenario(client):
        body = client.call(path)
        del body[name]
        assert await client.refusal(path, body) == (400, f"{name}: is missing")

    guardiankey(scenario)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"a"', b'{"id": NaN}', b'{"id": "\xe9"}', b"[" * 60_000, b"{}\0"],
    ids=lambda body: repr(body[:12]),
)
def test_a_body_that_is_no_json_object_is_refused(path, body, guardiankey):
    async def scenario(client):
        status, error = await client.refusal(path, body)
        assert status == 400
        assert error.startswith("body: is not a JSON object")

    guardiankey(scenario)


@pytest.mark.parametrize("path", PATHS)
def test_a_blank_after_the_final_brace_does_not_matter(path, guardiankey):
    async def scenario(client):
        body = json.dumps(client.call(path)).encode() + b" "
        assert (await client.post(path, body))[0] == 200

    guardiankey(scenario)


def test_json_must_be_announced(guardiankey):
    async def scenario(client):
        body = client.v2()
        assert (await client.post("/v2/checkaccess", body, "text/plain"))[0] == 415
        charset = "application/json; charset=utf-8"
        assert (await client.post("/v2/checkaccess", body, charset))[0] == 200

    guardiankey(scenario)


def test_a_body_beyond_the_limit_is_refused(guardiankey):
    async def scenario(client):
        assert await client.refusal("/v2/checkaccess", b" " * 70_000) == (
            413,
            "Request Entity Too Large",
        )

    guardiankey(scenario)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("path", [*PATHS, "/register", "/getevent", "/resolveevent"])
def test_only_post_is_allowed(method, path, guardiankey):
    async def scenario(client):
        async with client.session.request(method, path) as response:
            assert (response.status, response.headers["Allow"]) == (405, "POST")
            assert (await response.json())["error"] == "Method Not Allowed"

    guardiankey(scenario)


def test_a_client_may_ask_before_it_sends_the_body(guardiankey):
    """libcurl does so with bodies over 1 KB (WIRE.md B3)."""

    async def scenario(client):
        async with client.session.post(
            "/v2/checkaccess", json=client.v2(), expect100=True
        ) as response:
            assert response.status == 200

    guardiankey(scenario)
