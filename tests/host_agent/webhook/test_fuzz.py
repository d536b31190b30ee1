"""Whatever arrives is answered with one of the few answers there are, and upsets nothing."""

import json
import logging

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.host_agent.guardiankey_sender import FORM, JSON

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
NAMES = ("generatedTime", "eventId", "authGroupId", "userName", "service", "clientIP")
NAMES += ("event_response", "risk_value", "event_token")
TYPES = st.sampled_from([JSON, FORM, "multipart/form-data", "\xe9;;=", None])

many = settings(max_examples=150, suppress_health_check=list(HealthCheck))


def answered(caplog, answer) -> int:
    """Its status, when nothing was logged that a mistake of ours would log."""
    assert answer.status in (200, 400, 403)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "Traceback" not in caplog.text
    return answer.status


@many
@given(
    st.binary(max_size=300)
    | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")),
    TYPES,
)
def test_any_body_is_answered(webhook, caplog, body: bytes, content_type) -> None:
    assert answered(caplog, webhook.post(body, content_type)) == 400


@many
@given(st.fixed_dictionaries({}, optional={"authGroupId": VALUES, "data": VALUES}), TYPES)
def test_any_envelope_is_answered(webhook, caplog, outer, content_type) -> None:
    answer = webhook.post(json.dumps(outer).encode(), content_type)
    assert answered(caplog, answer) in (400, 403)


@many
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, VALUES)), VALUES)
def test_any_content_is_answered(webhook, store, caplog, fields, extra) -> None:
    before = len(store.notifications(10_000))
    status = answered(caplog, webhook.notify(**fields, extra=extra))
    assert len(store.notifications(10_000)) - before == (status == 200)


@many
@given(st.binary(max_size=300))
def test_any_plaintext_is_answered(webhook, caplog, plain: bytes) -> None:
    outer = {"authGroupId": "group-1", "data": webhook.encrypted(plain)}
    assert answered(caplog, webhook.post(json.dumps(outer).encode())) == 403
