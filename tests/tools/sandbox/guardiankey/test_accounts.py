"""The accounts file: what it must hold, and how each wrong field is named."""

import base64
import json

import pytest

from tools.sandbox.guardiankey import AccountsError, read_accounts

KEY = base64.b64encode(bytes(range(32))).decode()
IV = base64.b64encode(bytes(range(16))).decode()
ENTRY = {"auth_group_id": "g", "organization_id": "o", "key": KEY, "iv": IV}


def read(*entries):
    return read_accounts(json.dumps(entries).encode())


def test_accounts_are_read():
    more = {"auth_group_id": "h", "webhook_url": "http://[::1]:80/a", "blocked_users": ["u"]}
    first, second = read(ENTRY, ENTRY | more)
    assert (first.auth_group_id, first.organization_id) == ("g", "o")
    assert (first.key, first.iv) == (bytes(range(32)), bytes(range(16)))
    assert (first.webhook_url, first.blocked_users) == ("", ())
    assert (second.webhook_url, second.blocked_users) == ("http://[::1]:80/a", ("u",))


def test_secrets_stay_out_of_the_representation():
    text = repr(read(ENTRY))
    assert KEY not in text and repr(bytes(range(32))) not in text
    assert IV not in text and repr(bytes(range(16))) not in text


@pytest.mark.parametrize("name", ENTRY)
def test_a_missing_field_is_named(name):
    with pytest.raises(AccountsError, match=name):
        read({key: value for key, value in ENTRY.items() if key != name})


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"auth_group_id": ""}, r"\$\[1\]\.auth_group_id: is empty"),
        ({"auth_group_id": "g"}, r"auth_group_id: 'g' is there twice"),
        ({"organization_id": 7}, r"\$\[1\]\.organization_id"),
        ({"key": IV}, r"\$\[1\]\.key: must be 32 bytes in base64"),
        ({"key": KEY + "\n"}, r"\$\[1\]\.key: must be 32 bytes in base64"),
        ({"iv": KEY}, r"\$\[1\]\.iv: must be 16 bytes in base64"),
        ({"iv": "é"}, r"\$\[1\]\.iv: must be 16 bytes in base64"),
        ({"webhook_url": "host/hook"}, r"\$\[1\]\.webhook_url: must start with http"),
        ({"webhook_url": "http://h:x/"}, r"\$\[1\]\.webhook_url: must start with http"),
        ({"blocked_users": "u"}, r"\$\[1\]\.blocked_users"),
        ({"blocked": []}, "blocked"),
    ],
)
def test_a_wrong_field_is_named_without_secrets(change, problem):
    with pytest.raises(AccountsError, match=problem) as raised:
        read(ENTRY, ENTRY | {"auth_group_id": "h"} | change)
    assert KEY not in str(raised.value) and IV not in str(raised.value)


@pytest.mark.parametrize("text", [b"", b"{}", b"[", b'["a"]', b"\xff", b"[" * 100_000])
def test_what_is_no_list_of_accounts_is_refused(text):
    with pytest.raises(AccountsError):
        read_accounts(text)
