"""The message itself: ciphertext of version 1, hash of version 2."""

import base64
import json

import pytest


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1],
        lambda text: text + "=",
        lambda text: text[:76] + "\n" + text[76:],
        lambda text: text[:40] + "!" + text[41:],
        lambda text: text + " ",
        lambda text: "é" + text,
        lambda _text: "A",
    ],
    ids=["cut", "too much padding", "line break", "not in the alphabet", "blank", "é", "one"],
)
def test_bad_base64_is_refused(change, guardiankey):
    async def scenario(client):
        body = client.v1()
        body["message"] = change(body["message"])
        status, error = await client.refusal("/checkaccess", body)
        assert status == 400
        assert error.startswith("message: must be standard, padded base64")

    guardiankey(scenario)


def test_trailing_blanks_do_not_matter(guardiankey):
    """The PHP class means to pad with them (WIRE.md B2)."""

    async def scenario(client):
        body = client.v1(json.dumps(client.event).encode() + b"       ")
        assert (await client.post("/checkaccess", body))[0] == 200
        assert (await client.events())["events"][0]["event"] == client.event

    guardiankey(scenario)


@pytest.mark.parametrize("plaintext", [b"", b"        "])
def test_an_empty_event_is_refused(plaintext, guardiankey):
    async def scenario(client):
        for path, body in (("/checkaccess", client.v1), ("/v2/checkaccess", client.v2)):
            assert await client.refusal(path, body(plaintext)) == (
                400,
                "message: is empty: the client made no event",
            )

    guardiankey(scenario)


@pytest.mark.parametrize(
    "plaintext", [b"[]", b"null", b"{}\0", b"hello", b'{"a": "\xff"}', b"[" * 30_000]
)
def test_what_decrypts_to_no_json_object_is_refused(plaintext, guardiankey):
    async def scenario(client):
        status, error = await client.refusal("/checkaccess", client.v1(plaintext))
        assert status == 403
        assert error.startswith("message: does not decrypt to a JSON object")

    guardiankey(scenario)


def test_a_truncated_or_altered_message_is_refused(guardiankey):
    async def scenario(client):
        right = base64.b64decode(client.v1()["message"])
        for wrong in (right[:-1], right[1:], bytes([right[0] ^ 1]) + right[1:]):
            body = client.v1() | {"message": base64.b64encode(wrong).decode()}
            status, error = await client.refusal("/checkaccess", body)
            assert status == 403
            assert error.startswith("message: does not decrypt to a JSON object")

    guardiankey(scenario)


def test_the_hash_is_over_the_text_that_arrived(guardiankey):
    """However it was escaped (WIRE.md B4), and not over what it means."""

    async def scenario(client):
        slashes = json.dumps(client.event).replace("/", "\\/").encode()
        raw = json.dumps(client.event | {"userName": "é"}, ensure_ascii=False).encode()
        for text in (slashes, raw):
            assert (await client.post("/v2/checkaccess", client.v2(text)))[0] == 200
        other = client.v2(slashes) | {"message": json.dumps(client.event)}
        assert (await client.post("/v2/checkaccess", other))[0] == 403

    guardiankey(scenario)


@pytest.mark.parametrize(
    ("change", "status", "problem"),
    [
        (lambda body: {"hash": body["hash"].upper()}, 403, "hash: does not belong"),
        (lambda body: {"hash": body["hash"][:-1]}, 403, "hash: does not belong"),
        (lambda _body: {"hash": "é"}, 403, "hash: does not belong"),
        (lambda _body: {"hash": None}, 400, "hash: must be text, not null"),
        (lambda body: {"message": body["message"] + " "}, 403, "hash: does not belong"),
    ],
    ids=["upper case", "cut", "é", "null", "other message"],
)
def test_another_hash_is_refused(change, status, problem, guardiankey):
    async def scenario(client):
        body = client.v2()
        refused, error = await client.refusal("/v2/checkaccess", body | change(body))
        assert refused == status
        assert error.startswith(problem)

    guardiankey(scenario)


def test_java_with_an_accent_is_refused(guardiankey):
    """It hashes UTF-8 and sends ISO-8859-1 (WIRE.md B4)."""

    async def scenario(client):
        text = json.dumps(client.event | {"userName": "José"}, ensure_ascii=False).encode()
        body = json.dumps(client.v2(text), ensure_ascii=False).encode("iso-8859-1")
        status, error = await client.refusal("/v2/checkaccess", body)
        assert status == 400
        assert error.startswith("body: is not a JSON object")

    guardiankey(scenario)
