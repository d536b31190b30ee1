"""The webhook: what it believes, what it answers, and what it keeps."""

import base64
import dataclasses
import json
import logging
import time

import pytest

from tests.host_agent.guardiankey_sender import FORM, JSON

REFUSED = (403, "refused\n")


def told(answer) -> tuple[int, str]:
    return answer.status, answer.text


def test_a_notification_is_stored_before_it_is_answered(webhook, store) -> None:
    assert told(webhook.notify(eventId="e-1")) == (200, "ok\n")
    (kept,) = store.notifications()
    assert (kept.event_id, kept.user, kept.response, kept.risk) == ("e-1", "anna", "NOTIFY", 73.5)
    assert (kept.service, kept.client_ip) == ("front-door", "192.0.2.7")
    assert abs(kept.generated_ms - time.time() * 1000) < 60_000
    assert json.loads(kept.raw)["risk_level"] == "high"
    assert webhook.count("accepted") == 1


@pytest.mark.parametrize(
    "content_type", [JSON, "application/json; charset=utf-8", "text/plain", None]
)
def test_json_comes_under_any_name(webhook, content_type) -> None:
    assert webhook.post(webhook.body(), content_type).status == 200


def test_a_form_is_read_too(webhook, store) -> None:
    assert webhook.post(webhook.form(eventId="e-1"), FORM).status == 200
    assert [kept.event_id for kept in store.notifications()] == ["e-1"]


def test_numbers_may_be_texts_and_trailing_blanks_are_passed_over(webhook) -> None:
    assert webhook.notify(generatedTime=str(int(time.time())), risk_value=5).status == 200
    plain = json.dumps(webhook.event()).encode() + b"        "
    outer = {"authGroupId": "group-1", "data": webhook.encrypted(plain)}
    assert webhook.post(json.dumps(outer).encode()).status == 200


def test_an_event_is_taken_once(webhook, store) -> None:
    body = webhook.body()
    assert webhook.post(body).status == 200
    assert told(webhook.post(body)) == REFUSED
    assert len(store.notifications()) == 1
    assert (webhook.count("accepted"), webhook.count("duplicate")) == (1, 1)


def test_what_does_not_prove_itself_gets_one_and_the_same_answer(webhook, store, account) -> None:
    stranger = type(webhook)(dataclasses.replace(account, key=bytes(32)), webhook.url, None)
    garbled = bytearray(base64.b64decode(str(webhook.outer()["data"])))
    garbled[3] ^= 1
    bodies = [
        webhook.body(generatedTime=int(time.time()) - 86_400),
        webhook.body(generatedTime=int(time.time()) + 86_400),
        webhook.body(generatedTime="yesterday"),
        webhook.body(generatedTime=True),
        webhook.body(authGroupId="group-2"),
        webhook.body(eventId=""),
        webhook.body(eventId=5),
        webhook.body(eventId="x" * 10_000),
        json.dumps(webhook.outer() | {"authGroupId": "group-2"}).encode(),
        json.dumps(webhook.outer() | {"authGroupId": "gr\xfcppe-\ud800"}).encode(),
        json.dumps({"authGroupId": "group-1", "data": ""}).encode(),
        json.dumps({"authGroupId": "group-1", "data": webhook.encrypted(b"[1]")}).encode(),
        json.dumps({"authGroupId": "group-1", "data": webhook.encrypted(b"[" * 40_000)}).encode(),
        json.dumps(webhook.outer() | {"data": base64.b64encode(garbled).decode()}).encode(),
        stranger.body(),
    ]
    assert [told(webhook.post(body)) for body in bodies] == [REFUSED] * len(bodies)
    assert webhook.count("refused") == len(bodies)
    assert store.notifications() == []


def test_what_is_no_notification_is_400(webhook, store) -> None:
    outer = webhook.outer()
    bodies = [
        b"",
        b"hello",
        b"\xff\xfe\x00",
        b"null",
        b"[1]",
        b"[" * 60_000,
        b"{" + b'"a":' * 9_000,
        b"9" * 5_000,
        b"{}",
        json.dumps({"authGroupId": "group-1"}).encode(),
        json.dumps(outer | {"authGroupId": True}).encode(),
        json.dumps(outer | {"authGroupId": None}).encode(),
        json.dumps(outer | {"authGroupId": ["group-1"]}).encode(),
        json.dumps(outer | {"data": 5}).encode(),
        json.dumps(outer | {"data": [outer["data"]]}).encode(),
        json.dumps(outer | {"data": str(outer["data"])[:-3]}).encode(),
        json.dumps(outer | {"data": "no base64 \xe9"}).encode(),
        json.dumps({"authGroupId": "group-1", "message": outer["data"]}).encode(),
    ]
    answers = [webhook.post(body) for body in bodies]
    assert [told(answer) for answer in answers] == [(400, "not a notification\n")] * len(bodies)
    assert webhook.post(webhook.body(), "multipart/form-data; boundary=x").status == 400
    assert webhook.post(webhook.body(), FORM).status == 400
    assert webhook.count("malformed") == len(bodies) + 2
    assert store.notifications() == []


def test_a_strange_event_is_kept_as_far_as_it_is_plain(webhook, store) -> None:
    deep: object = 1
    for _ in range(200):
        deep = [deep]
    odd = {"userName": "an\ud800na", "service": ["x"], "event_response": {}, "risk_value": "NaN"}
    assert webhook.notify(**odd, deep=deep, clientIP="\x1b[2J" * 900).status == 200
    (kept,) = store.notifications()
    assert (kept.response, kept.service, kept.risk) == ("ERROR", "", None)
    assert "deep" not in json.loads(kept.raw or "{}")


def test_a_store_that_takes_nothing_is_503_and_the_sender_comes_again(webhook, store) -> None:
    store.close()
    answer = webhook.notify()
    assert (answer.status, answer.headers["retry-after"]) == (503, "30")
    assert webhook.count("unavailable") == 1


def test_there_is_nothing_else(webhook) -> None:
    assert webhook.post(webhook.body(), path="/").status == 404
    assert webhook.post(webhook.body(), path="/v1/frames").status == 404
    assert webhook.post(webhook.body(), path="/metrics").status == 404


def test_why_one_was_refused_is_told_once_and_without_secrets(webhook, account, caplog) -> None:
    with caplog.at_level(logging.DEBUG, "host_agent"):
        for _ in range(5):
            webhook.notify(generatedTime=1)
        webhook.post(b"a secret token")
    assert caplog.text.count("generatedTime") == 1
    assert caplog.text.count("not a JSON object") == 1
    assert not any(secret in caplog.text for secret in ("token", account.key_text, "anna"))
