"""GuardianKey's captures of ciphers, hashes, notifications and registrations, done with ours.

Where a reference failed, the test says what ours does instead, and why.
"""

import base64
import json
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from host_agent.guardiankey import Account, AccountError, NotificationError, open_notification
from host_agent.guardiankey.cfb8 import decrypt, encrypt
from host_agent.guardiankey.envelope import datagram, v1, v2, v2_hash
from host_agent.guardiankey.errors import GuardianKeyError
from host_agent.guardiankey.event import Attempt, event_text
from tests.host_agent.endpoint import Endpoint, answering

DATA = Path(__file__).parent / "data" / "guardiankey.json"
CASES = json.loads(DATA.read_text())["cases"]

ADDED_SINCE_THE_RECIPE = {"event_type": "Authentication", "userEmail": ""}
"""The document's recipe lacks them, its table and every client have them (WIRE.md B10)."""


def cases(kind):
    chosen = [case for case in CASES if case["kind"] == kind]
    assert chosen
    return pytest.mark.parametrize("case", chosen, ids=[case["id"] for case in chosen])


def decoded(case, name):
    return base64.b64decode(case[name])


def account_of(case, **fields):
    return Account(
        **{
            "agent_id": "agent",
            "organization_id": "organization",
            "auth_group_id": "group",
            "key": decoded(case, "key_b64"),
            "iv": decoded(case, "iv_b64"),
        }
        | fields
    )


@cases("gk_cfb8")
def test_cipher(case):
    key, iv = decoded(case, "key_b64"), decoded(case, "iv_b64")
    plain, cipher = decoded(case, "plaintext_b64"), decoded(case, "ciphertext_b64")
    assert encrypt(key, iv, plain) == cipher
    assert decrypt(key, iv, cipher) == plain


@cases("gk_cfb8_misuse")
def test_misuse_of_the_cipher(case):
    """A key or iv of another size: PHP pads or cuts it, pycryptodome changes the cipher; ours
    refuses it. Damage: no cipher can tell, so what is done with the plaintext must."""
    key = base64.b64decode(case.get("used_key_b64", case["key_b64"]))
    iv = base64.b64decode(case.get("used_iv_b64", case["iv_b64"]))
    data = base64.b64decode(case.get("used_ciphertext_b64", case["ciphertext_b64"]))
    sizes = (("key", key, 32), ("iv", iv, 16))
    wrong = [name for name, content, size in sizes if len(content) != size]
    if wrong:
        for operation in (encrypt, decrypt):
            with pytest.raises(GuardianKeyError, match=f"^{wrong[0]} must be"):
                operation(key, iv, data)
        with pytest.raises(AccountError, match=f"^{wrong[0]} must be"):
            account_of(case, key=key, iv=iv)
        return
    damaged = decrypt(key, iv, data)
    assert damaged == base64.b64decode(case["php_result"]["b64"])
    assert damaged != case["plaintext"].encode()
    account = account_of(case, key=key, iv=iv)
    body = {"authGroupId": "group", "data": base64.b64encode(data).decode()}
    with pytest.raises(NotificationError, match="data"):
        open_notification(account, json.dumps(body), now=1_700_000_000)


@cases("gk_v2_hash")
def test_v2_hash(case):
    made = v2_hash(account_of(case), case["message"])
    assert made == case["hash_expected"]
    assert (made == case["hash"]) is case["valid"]


@cases("gk_doc_recipe")
def test_recipe_of_the_document(case):
    """Ours is the recipe with the fields that it forgot and with UTF-8 not escaped; a user agent
    is cut between characters, where the recipe sends an empty event instead."""
    given = case["input"]
    account = Account.from_reference(
        {
            "agentid": given["id"],
            "orgid": given["id"],
            "groupid": given["id"],
            "key": given["key"],
            "iv": given["iv"],
            "service": given["service"],
        }
    )
    attempt = Attempt(
        given["user"],
        client_ip=given["ip"],
        user_agent=given["ua"],
        client_reverse=given["rev"],
    )
    text = event_text(account, attempt, given["now"])
    if case["message_plain"].strip():
        assert json.loads(text) == json.loads(case["message_plain"]) | ADDED_SINCE_THE_RECIPE
        assert v1(account, case["message_plain"])["message"] == case["message_b64"]
        assert datagram(account, case["message_plain"]).decode() == case["udp_payload"]
    else:
        assert json.loads(text)["userName"] == given["user"]
        assert given["ua"].startswith(json.loads(text)["userAgent"])


@cases("gk_register_py")
def test_registration_like_register_py(case):
    """What the reference's script does under Python 2, ours does under Python 3."""
    ids = b'{"authGroupId": "7d97e98f00", "organizationId": "0a1b2c3d00"}'
    with Endpoint(answering(ids)).serving() as endpoint:
        account = Account.register(case["stdin"], api=endpoint.base)
    (request,) = endpoint.requests
    head, body = request.decode().split("\r\n\r\n")
    assert head.startswith("POST /register HTTP/1.1\r\n")
    assert "\r\nContent-Type: application/x-www-form-urlencoded\r\n" in head
    form = dict(parse_qsl(body, strict_parsing=True))
    assert form == {
        "email": case["stdin"],
        "keyb64": account.key_text,
        "ivb64": account.iv_text,
    }
    for capture in case["requests"]:
        assert set(form) == {name for name, _ in capture["form_in_order"]}
    assert (len(account.key), len(account.iv)) == (32, 16)
    assert (account.auth_group_id, account.organization_id) == ("7d97e98f00", "0a1b2c3d00")


def reason_to_refuse(config, outer, taken):
    """What the reference takes and ours must not (WIRE.md B9), as the error says it."""
    if not isinstance(outer.get("authGroupId"), str):
        return "authGroupId is missing or no text"  # in PHP true equals any id, null an empty one
    if not isinstance(taken, dict):
        return "data does not decrypt to a JSON object"
    if taken.get("authGroupId") != config["authgroupid"]:
        return "authGroupId inside data"
    if not isinstance(taken.get("eventId"), str):
        return "eventId must be"  # nothing else tells a replay
    return None


@cases("gk_webhook")
def test_notification(case):
    """What the reference takes, ours takes as the same object; where it returns null without a
    word, ours says what is wrong."""
    config = {"agentid": "agent-pub-01", "orgid": "0a1b2c3d" * 8, **case["config"]}
    body = base64.b64decode(case["request"]["body_b64"])
    if not config["authgroupid"]:
        with pytest.raises(AccountError, match="authgroupid"):
            Account.from_reference(config)
        return
    account = Account.from_reference(config)
    content_type = case["request"]["content_type"]
    taken = case["result"].get("value")
    refused = "" if taken is None else reason_to_refuse(config, json.loads(body), taken)
    if refused is not None:
        with pytest.raises(NotificationError, match=refused or ".") as error:
            open_notification(account, body, content_type, now=1_700_000_000)
        assert error.value.status in (400, 403)
        return
    notification = open_notification(account, body, content_type, now=1_700_000_000)
    assert notification.raw == taken
    assert notification.event_id == taken["eventId"]
    assert notification.response == taken["event_response"]
    with pytest.raises(NotificationError, match="fresh"):
        open_notification(account, body, content_type, now=1_700_100_000)


def test_an_envelope_of_v2_is_that_of_the_php_class():
    case = next(case for case in CASES if case["id"] == "gk-w-p10")
    (request,) = case["requests"]
    account = Account.from_reference(case["input"]["config"])
    assert v2(account, request["v2"]["message"]) == json.loads(request["body_text"])
