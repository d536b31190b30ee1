"""Registrations in the three shapes that clients send (WIRE.md B7)."""

import base64
import json
from urllib.parse import urlencode

import aiohttp
import pytest

KEY, IV = bytes(32), bytes(16)
FIELDS = {
    "email": "owner+tag@example.test",
    "keyb64": base64.b64encode(KEY).decode(),
    "ivb64": base64.b64encode(IV).decode(),
}
SMTP = {
    "smtp_method": "TLS",
    "smtp_host": "smtp.example.test",
    "smtp_port": "587",
    "smtp_user": "u",
    "smtp_pass": "p",
}


def packed(content):
    return base64.b64encode(json.dumps(content).encode()).decode()


def as_json(fields):
    return {"json": fields}


def as_urlencoded(fields):
    return {
        "data": urlencode(fields),
        "headers": {"Content-Type": "application/x-www-form-urlencoded"},
    }


def as_multipart(fields):
    form = aiohttp.MultipartWriter("form-data")
    for name, content in fields.items():
        form.append(content).set_content_disposition("form-data", name=name)
    return {"data": form}


async def register(client, request):
    async with client.session.post("/register", **request) as response:
        return response.status, await response.text()


@pytest.mark.parametrize("shape", [as_json, as_urlencoded, as_multipart])
@pytest.mark.parametrize(
    ("notify", "webhook_url"),
    [
        ({}, ""),
        ({"notify_method": "email", "notify_data": packed(SMTP)}, ""),
        (
            {"notify_method": "webhook", "notify_data": packed({"webhook_url": "https://a/b"})},
            "https://a/b",
        ),
    ],
    ids=["silent", "email", "webhook"],
)
def test_a_group_is_made(shape, notify, webhook_url, guardiankey):
    async def scenario(client):
        status, answer = await register(client, shape(FIELDS | notify))
        assert status == 200
        ids = json.loads(answer)
        assert ids.keys() == {"authGroupId", "organizationId"}
        account = client.sandbox.guardiankey.accounts.get(ids["authGroupId"])
        assert account.organization_id == ids["organizationId"]
        assert (account.key, account.iv, account.webhook_url) == (KEY, IV, webhook_url)

    guardiankey(scenario)


def test_a_registered_group_can_be_used_at_once(guardiankey):
    async def scenario(client):
        _, answer = await register(client, as_json(FIELDS))
        group = json.loads(answer)["authGroupId"]
        client.account = client.sandbox.guardiankey.accounts.get(group)
        assert (await client.check(authGroupId=group))["response"] == "ACCEPT"

    guardiankey(scenario)


def test_the_groups_are_bounded(guardiankey):
    async def scenario(client):
        client.sandbox.guardiankey.accounts.limit = 2  # group-1 is there
        assert (await register(client, as_json(FIELDS)))[0] == 200
        refused = (503, "register: there are 2 groups, the most there can be")
        assert await register(client, as_json(FIELDS)) == refused

    guardiankey(scenario)


def test_every_registration_makes_another_group(guardiankey):
    async def scenario(client):
        assert await register(client, as_json(FIELDS)) != await register(client, as_json(FIELDS))

    guardiankey(scenario)


@pytest.mark.parametrize(
    ("change", "status", "problem"),
    [
        ({"email": "owner"}, 400, "email: is no e-mail address"),
        ({"email": "@"}, 400, "email: is no e-mail address"),
        ({"email": "a@" + "b" * 8192}, 413, "email: has more than 8192 characters"),
        ({"keyb64": packed("k")}, 400, "keyb64: must be 32 bytes"),
        ({"keyb64": FIELDS["keyb64"][:-1]}, 400, "keyb64: must be 32 bytes"),
        ({"ivb64": FIELDS["keyb64"]}, 400, "ivb64: must be 16 bytes"),
        ({"notify_method": "email"}, 400, "notify_data: is missing"),
        ({"notify_data": packed(SMTP)}, 400, "notify_method: is missing"),
        ({"notify_method": "fax", "notify_data": packed({})}, 400, "notify_method: must be"),
        ({"notify_method": "email", "notify_data": "{}"}, 400, "notify_data: must be standard"),
        ({"notify_method": "email", "notify_data": packed([])}, 400, "notify_data: is not a JSON"),
        (
            {"notify_method": "email", "notify_data": packed(SMTP | {"smtp_host": None})},
            400,
            "notify_data.smtp_host: must be text",
        ),
        (
            {"notify_method": "webhook", "notify_data": packed({})},
            400,
            "notify_data.webhook_url: is missing",
        ),
        (
            {"notify_method": "webhook", "notify_data": packed({"webhook_url": "file:///a"})},
            400,
            "notify_data.webhook_url: must start with http",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
@pytest.mark.parametrize("shape", [as_json, as_urlencoded, as_multipart])
def test_a_wrong_field_is_named_in_plain_text(shape, change, status, problem, guardiankey):
    """What is JSON, the PHP client takes for an account."""

    async def scenario(client):
        refused, answer = await register(client, shape(FIELDS | change))
        assert refused == status
        assert answer.startswith(problem)

    guardiankey(scenario)


@pytest.mark.parametrize("name", FIELDS)
def test_a_missing_field_is_named(name, guardiankey):
    async def scenario(client):
        fields = {key: value for key, value in FIELDS.items() if key != name}
        assert await register(client, as_multipart(fields)) == (400, f"{name}: is missing")

    guardiankey(scenario)


def test_a_file_is_no_key(guardiankey):
    async def scenario(client):
        form = aiohttp.FormData([(n, v) for n, v in FIELDS.items() if n != "keyb64"])
        form.add_field("keyb64", b"\0" * 32, filename="key")
        status, answer = await register(client, {"data": form})
        assert (status, answer) == (400, "keyb64: must be text, not an object")

    guardiankey(scenario)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"["),
        ("application/json", b"7"),
        ("text/plain", b"hello"),
        ("multipart/form-data", b"hello"),
        ("multipart/form-data; boundary=b", b"hello"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\nhello"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n"),
        ("multipart/form-data; boundary=" + "b" * 200, b"hello"),
        ("multipart/form-data; boundary=b", b"--b\r\nnonsense\r\n\r\nx\r\n--b--\r\n"),
        ("application/x-www-form-urlencoded", b"\xff\xfe=%ff"),
        ("application/x-www-form-urlencoded; charset=nonsense", b"a=b"),
        ("application/x-www-form-urlencoded", b""),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="email"\r\n'
            b"Content-Transfer-Encoding: nonsense\r\n\r\nx\r\n--b--\r\n",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="_charset_"\r\n\r\n'
            + b"x" * 40
            + b"\r\n--b--\r\n",
        ),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(content_type, body, guardiankey):
    async def scenario(client):
        request = {"data": body, "headers": {"Content-Type": content_type}}
        status, answer = await register(client, request)
        assert status == 400
        assert answer.startswith(("body: ", "email: "))

    guardiankey(scenario)
