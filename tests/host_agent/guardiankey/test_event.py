"""An event says what the caller said, in GuardianKey's types, or names what cannot be said."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.guardiankey.errors import EventError
from host_agent.guardiankey.event import Attempt, event_text


def event(account, *arguments, **fields):
    return json.loads(event_text(account, Attempt(*arguments, **fields), 1_700_000_000))


def test_every_field_of_the_document(account):
    assert event(
        account,
        "john",
        "john@example.test",
        True,
        "203.0.113.7",
        "Mozilla/5.0",
        "Transaction",
        "host.example.test",
        "badge",
    ) == {
        "generatedTime": 1_700_000_000,
        "agentId": "agent-1",
        "organizationId": "organization-1",
        "authGroupId": "group-1",
        "service": "Lab",
        "clientIP": "203.0.113.7",
        "clientReverse": "host.example.test",
        "userName": "john",
        "authMethod": "badge",
        "loginFailed": "1",
        "userAgent": "Mozilla/5.0",
        "psychometricTyped": "",
        "psychometricImage": "",
        "event_type": "Transaction",
        "userEmail": "john@example.test",
    }


@pytest.mark.parametrize("unknown", ["", None])
def test_what_is_not_known_is_empty(account, unknown):
    made = event(
        account,
        "john",
        user_email=unknown,
        client_ip=unknown,
        user_agent=unknown,
        event_type=unknown,
        client_reverse=unknown,
    )
    empty = {"userEmail", "clientIP", "userAgent", "clientReverse", "authMethod"}
    assert {made[name] for name in empty} == {""}
    assert made["event_type"] == "Authentication"
    assert made["loginFailed"] == "0"


@pytest.mark.parametrize("user", ["José Ñandú", "\u0416\U0001f511", 'DOM\\john "x"', "a/b<>&'\x00"])
def test_text_arrives_as_it_is(account, user):
    assert event(account, user)["userName"] == user


def test_the_text_is_compact_utf8(account):
    text = event_text(account, Attempt("José/x"), 1)
    assert '"userName":"José/x"' in text


@pytest.mark.parametrize("agent", ["a" * 700, "é" * 700, "\U0001f511" * 700, "a" * 500])
def test_a_long_user_agent_is_cut_between_characters(account, agent):
    assert event(account, "john", user_agent=agent)["userAgent"] == agent[:500]


@pytest.mark.parametrize("address", ["203.0.113.7", "2001:db8::7", "::ffff:203.0.113.7"])
def test_addresses(account, address):
    assert event(account, "john", client_ip=address)["clientIP"] == address


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("user_name", None),
        ("user_name", b"john"),
        ("user_name", 5),
        ("user_name", "\ud800"),
        ("user_name", "x" * 1025),
        ("user_email", b"j@x"),
        ("user_email", True),
        ("user_email", "x" * 10_000_000),
        ("login_failed", "0"),
        ("login_failed", 1),
        ("login_failed", None),
        ("client_ip", "203.0.113"),
        ("client_ip", "203.0.113.7, 10.0.0.1"),
        ("client_ip", 1),
        ("user_agent", b"Mozilla"),
        ("user_agent", "\udfff"),
        ("event_type", []),
        ("client_reverse", 5),
        ("auth_method", object()),
    ],
)
def test_what_cannot_be_sent_is_named(account, field, value):
    fields = {"user_name": "john"} | {field: value}
    with pytest.raises(EventError, match=f"^{field} ") as error:
        event(account, **fields)
    assert len(str(error.value)) < 120


@given(st.text(max_size=1024), st.text(max_size=2000))
def test_any_text_is_sent_or_named(text, agent):
    from host_agent.guardiankey import Account

    account = Account(
        agent_id="a", organization_id="o", auth_group_id="g", key=b"k" * 32, iv=b"i" * 16
    )
    made = event(account, text, user_agent=agent)
    assert (made["userName"], made["userAgent"]) == (text, agent[:500])
