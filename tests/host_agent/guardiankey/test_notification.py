"""A notification is believed only if it is whole, for this account, fresh and new."""

import base64
import json
import time
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.guardiankey import (
    Account,
    GuardianKey,
    NotificationError,
    NotificationSeen,
    Response,
    open_notification,
)
from host_agent.guardiankey.cfb8 import encrypt

NOW = 1_700_000_000
INNER = {
    "generatedTime": NOW,
    "authGroupId": "group-1",
    "eventId": "event-1",
    "event_token": "token-1",
    "event_response": "BLOCK",
    "userName": "José",
    "risk_level": "HIGH",
    "risk_value": "87.5",
    "clientIP": "203.0.113.7",
    "service": "Lab",
    "agentId": "agent-1",
}


def outer(account, inner=INNER, **fields):
    plain = inner if isinstance(inner, bytes) else json.dumps(inner).encode()
    data = base64.b64encode(encrypt(account.key, account.iv, plain)).decode()
    return {"authGroupId": "group-1", "data": data} | fields


def opened(account, content, now=NOW, **options):
    return open_notification(account, json.dumps(content), "application/json", now, **options)


def test_what_it_tells(account):
    notification = opened(account, outer(account))
    assert notification.event_id == "event-1"
    assert notification.response is Response.BLOCK
    assert (notification.user_name, notification.risk_level) == ("José", "HIGH")
    assert (notification.risk, notification.generated_time) == (87.5, NOW)
    assert notification.raw == INNER
    assert notification.event_token == "token-1"
    assert "token-1" not in repr(notification)


@pytest.mark.parametrize(
    ("told", "response"),
    [("EXTRAREQUIREMENT", Response.HARD_NOTIFY), ("other", Response.ERROR), (None, Response.ERROR)],
)
def test_its_response_is_understood_as_a_verdict_s(account, told, response):
    assert opened(account, outer(account, INNER | {"event_response": told})).response is response


@pytest.mark.parametrize(
    "content_type", [None, "", "application/json; charset=utf-8", "text/plain"]
)
@pytest.mark.parametrize("as_text", [True, False])
def test_json_of_any_name(account, content_type, as_text):
    body = json.dumps(outer(account))
    body = body if as_text else body.encode()
    assert open_notification(account, body, content_type, NOW).event_id == "event-1"


@pytest.mark.parametrize("content_type", [None, "application/x-www-form-urlencoded; charset=UTF-8"])
def test_a_form(account, content_type):
    body = urlencode(outer(account)).encode()
    assert open_notification(account, body, content_type, NOW).event_id == "event-1"


def test_what_senders_do_to_ciphertext(account):
    padded = outer(account, json.dumps(INNER).encode() + b"   ")
    assert opened(account, padded).event_id == "event-1"
    lines = base64.encodebytes(base64.b64decode(padded["data"])).decode()
    assert opened(account, padded | {"data": lines}).event_id == "event-1"


@pytest.mark.parametrize(
    ("fields", "told", "status"),
    [
        ({"authGroupId": True}, "authGroupId is missing or no text", 400),
        ({"authGroupId": None}, "authGroupId is missing or no text", 400),
        ({"authGroupId": "group-2"}, "authGroupId is not that of this account", 403),
        ({"authGroupId": "\ud800"}, "authGroupId is not that of this account", 403),
        ({"authGroupId": ""}, "authGroupId is not that of this account", 403),
        ({"data": None}, "data is missing or no text", 400),
        ({"data": ["AAAA"]}, "data is missing or no text", 400),
        ({"data": "AAA"}, "data is not base64", 400),
        ({"data": "é"}, "data is not base64", 400),
        ({"data": ""}, "data does not decrypt", 403),
        ({"data": "AAAA"}, "data does not decrypt", 403),
    ],
)
def test_an_envelope_that_is_wrong(account, fields, told, status):
    with pytest.raises(NotificationError, match=told) as error:
        opened(account, outer(account) | fields)
    assert error.value.status == status


@pytest.mark.parametrize(
    "plain", [b"[]", b"null", b'{"eventId": "event-1"', b"\xff", b"{}\0", b"[" * 20_000]
)
def test_a_plaintext_that_is_no_object(account, plain):
    with pytest.raises(NotificationError, match="data does not decrypt to a JSON object"):
        opened(account, outer(account, plain))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"authGroupId": "group-2"}, "authGroupId inside data is not"),
        ({"authGroupId": None}, "authGroupId inside data is missing"),
        ({"eventId": None}, "eventId must be"),
        ({"eventId": ""}, "eventId must be"),
        ({"eventId": 7}, "eventId must be"),
        ({"eventId": "a\nb"}, "eventId must be"),
        ({"eventId": "x" * 257}, "eventId must be"),
        ({"generatedTime": None}, "generatedTime must be"),
        ({"generatedTime": True}, "generatedTime must be"),
        ({"generatedTime": "soon"}, "generatedTime must be"),
        ({"generatedTime": float("nan")}, "generatedTime must be"),
        ({"generatedTime": 10**30}, "generatedTime must be"),
        ({"generatedTime": NOW - 3601}, "not fresh"),
        ({"generatedTime": NOW + 3601}, "not fresh"),
    ],
)
def test_a_content_that_is_wrong(account, fields, told):
    with pytest.raises(NotificationError, match=told):
        opened(account, outer(account, INNER | fields))


@pytest.mark.parametrize("told", [NOW - 3600, str(NOW + 3600)])
def test_an_hour_is_fresh(account, told):
    assert opened(account, outer(account, INNER | {"generatedTime": told}))


def test_the_window_is_the_caller_s(account):
    old = outer(account, INNER | {"generatedTime": NOW - 61})
    assert opened(account, old, window_s=61)
    with pytest.raises(NotificationError, match="not fresh"):
        opened(account, old, window_s=60)


def test_another_account_s_key(account):
    other = Account(**{**vars(account), "key": b"yek-" * 8})
    with pytest.raises(NotificationError, match="another key") as error:
        opened(other, outer(account))
    assert error.value.status == 403


def test_a_second_time(account):
    known = set()

    def seen(event_id):
        before = event_id in known
        known.add(event_id)
        return before

    assert opened(account, outer(account), seen=seen)
    with pytest.raises(NotificationSeen) as error:
        opened(account, outer(account), seen=seen)
    assert error.value.status == 403


def test_what_is_refused_anyway_is_not_asked_for(account):
    asked = []
    with pytest.raises(NotificationError):
        opened(account, outer(account, INNER | {"generatedTime": 0}), seen=asked.append)
    assert asked == []


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", None),
        (b"hello", None),
        (b"hello", "application/json"),
        (b"[]", "application/json"),
        (b"\xff=1", "application/x-www-form-urlencoded"),
        (b"a=1&" * 100, "application/x-www-form-urlencoded"),
        (b"{}", "multipart/form-data; boundary=x"),
        (b"{" + b" " * 70_000 + b"}", "application/json"),
        (b"[" * 60_000, "application/json"),
        (None, None),
        (5, None),
        ("\ud800", None),
    ],
)
def test_a_body_that_is_no_notification(account, body, content_type):
    with pytest.raises(NotificationError) as error:
        open_notification(account, body, content_type)
    assert error.value.status == 400


def test_a_form_field_given_twice_is_none(account):
    body = urlencode(outer(account)) + "&authGroupId=group-1"
    with pytest.raises(NotificationError, match="authGroupId is missing"):
        open_notification(account, body, "application/x-www-form-urlencoded", NOW)


def test_the_client_opens_them_by_its_clock(account):
    client = GuardianKey(account)
    inner = INNER | {"generatedTime": int(time.time())}
    assert client.open_notification(json.dumps(outer(account, inner))).event_id == "event-1"
    with pytest.raises(NotificationError, match="not fresh"):
        client.open_notification(json.dumps(outer(account)))


ACCOUNT = Account(
    agent_id="a", organization_id="o", auth_group_id="group-1", key=b"k" * 32, iv=b"i" * 16
)


@given(
    st.binary(), st.sampled_from([None, "application/json", "application/x-www-form-urlencoded"])
)
def test_no_body_raises_anything_else(body, content_type):
    with pytest.raises(NotificationError):
        open_notification(ACCOUNT, body, content_type)


@given(st.integers(0, len(json.dumps(INNER)) - 1), st.integers(1, 255))
def test_damage_is_refused_or_outside_what_is_checked(position, flip):
    content = outer(ACCOUNT)
    cipher = bytearray(base64.b64decode(content["data"]))
    cipher[position] ^= flip
    content["data"] = base64.b64encode(cipher).decode()
    try:
        notification = opened(ACCOUNT, content)
    except NotificationError:
        return
    assert notification.raw["authGroupId"] == "group-1"
    assert abs(notification.generated_time - NOW) <= 3600
