"""An answer is a verdict only if it is one; everything else is ERROR with a reason."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.guardiankey import Response, Sent, Verdict

ANSWER = {
    "response": "NOTIFY",
    "response_cache": "1",
    "message": "unusual place",
    "risk": "61.5",
    "risk_psychometric": "0",
    "risk_intel": 12,
    "risk_context": "100",
    "eventId": "e" * 64,
    "event_token": "f" * 64,
    "generatedTime": "1700000000",
    "client_ua": "Chrome",
    "client_os": "Linux",
    "country": "Brazil",
}


def verdict(**fields):
    return Verdict.from_answer(200, json.dumps(ANSWER | fields))


def test_every_figure_of_an_answer():
    assert verdict() == Verdict(
        Response.NOTIFY,
        event_id="e" * 64,
        event_token="f" * 64,
        message="unusual place",
        risk=61.5,
        risk_psychometric=0.0,
        risk_intel=12.0,
        risk_context=100.0,
        cacheable=True,
        client_ua="Chrome",
        client_os="Linux",
        country="Brazil",
        raw=ANSWER,
    )


@pytest.mark.parametrize(
    ("told", "response"),
    [
        ("ACCEPT", Response.ACCEPT),
        ("ALLOW", Response.ACCEPT),
        ("NOTIFY", Response.NOTIFY),
        ("HARD_NOTIFY", Response.HARD_NOTIFY),
        ("EXTRAREQUIREMENT", Response.HARD_NOTIFY),
        ("BLOCK", Response.BLOCK),
    ],
)
def test_both_vocabularies(told, response):
    judged = verdict(response=told)
    assert (judged.response, judged.reason, judged.retry) == (response, "", False)
    assert judged.allowed is (response is not Response.BLOCK)


@pytest.mark.parametrize("told", ["TIMEOUT", "ERROR", "SETTING_MISSING"])
def test_an_exceptional_response_is_an_error_that_keeps_the_figures(told):
    judged = verdict(response=told)
    assert judged.response is Response.ERROR
    assert judged.reason == f"GuardianKey answered {told}"
    assert judged.risk == 61.5
    assert judged.allowed


@pytest.mark.parametrize("told", ["", "accept", "BLOCK ", "OK", None, 1, True, ["BLOCK"], {}])
def test_an_unknown_response_is_an_error(told):
    judged = verdict(response=told)
    assert judged.response is Response.ERROR
    assert judged.reason == "GuardianKey's answer has an unknown response"


@pytest.mark.parametrize("risk", ["", "high", "nan", "inf", "1e999", None, True, [], {}, "1_0x"])
def test_a_risk_that_is_no_number_is_none(risk):
    assert verdict(risk=risk).risk is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[1]",
        b"null",
        b'"BLOCK"',
        b"\xff\xfe",
        b'{"response":"BLOCK"',
        b"[" * 100_000,
        b'{"response": "BLOCK", "risk": ' + b"9" * 10_000 + b"}",
    ],
)
def test_what_is_no_object_is_an_error(body):
    judged = Verdict.from_answer(200, body)
    assert judged.response is Response.ERROR
    assert judged.reason == "GuardianKey's answer is not a JSON object"


@pytest.mark.parametrize(
    ("status", "retry"),
    [
        (201, False),
        (204, False),
        (302, True),
        (400, False),
        (401, False),
        (403, False),
        (404, True),
        (408, True),
        (413, False),
        (429, True),
        (500, True),
        (503, True),
    ],
)
def test_only_200_judges_and_only_what_can_heal_is_tried_again(status, retry):
    body = b'{"response": "BLOCK"}'
    judged = Verdict.from_answer(status, body)
    assert judged.response is Response.ERROR
    assert str(status) in judged.reason
    assert judged.retry is retry
    sent = Sent.from_answer(status)
    assert sent.taken is (status // 100 == 2)
    assert sent.retry is retry


def test_the_token_is_not_shown():
    assert "ffff" not in repr(verdict())


def test_text_that_nobody_could_store_is_repaired():
    assert verdict(message="\ud800x").message == "?x"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*ANSWER, "x"]), json_values), st.integers(100, 599))
def test_no_answer_raises(answer, status):
    judged = Verdict.from_answer(status, json.dumps(answer))
    assert bool(judged.reason) is (judged.response is Response.ERROR)
    judged.message.encode()


@given(st.binary())
def test_no_bytes_raise(body):
    assert isinstance(Verdict.from_answer(200, body).response, Response)
