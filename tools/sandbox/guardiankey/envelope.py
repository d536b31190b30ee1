"""Opens what a client sent and checks that it is from the group it names (WIRE.md B2-B4); no I/O.

Version 1 and the collector: the message is AES-256-CFB8 ciphertext. Version 2: plain text with a
hash over exactly the text that arrived and the base64 texts of the group's key and iv.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass

import msgspec
from Crypto.Cipher import AES

from tools.sandbox.guardiankey.accounts import Account, Accounts, strict_base64
from tools.sandbox.guardiankey.refusal import Refusal

_GROUP_NAMES = ("id", "authgroupid", "authGroupId")
_MESSAGE_NAMES = ("message", "data")


@dataclass(frozen=True)
class Opened:
    """`event`: the JSON object in the message; `digest`: tells equal messages."""

    account: Account
    event: dict[str, object]
    digest: bytes


def open_v1(body: bytes, accounts: Accounts) -> Opened:
    """The event of a body of /checkaccess or /sendevent, or Refusal."""
    envelope = read_object(body, "body")
    account = _account(*_text(envelope, _GROUP_NAMES), accounts)
    return _decrypted(account, *_text(envelope, _MESSAGE_NAMES))


def open_v2(body: bytes, accounts: Accounts) -> Opened:
    """The event of a body of /v2/..., or Refusal."""
    envelope = read_object(body, "body")
    account = _account(*_text(envelope, _GROUP_NAMES), accounts)
    field, message = _text(envelope, _MESSAGE_NAMES)
    _, received_hash = _text(envelope, ("hash",))
    hashed = message.encode()
    secrets = base64.b64encode(account.key) + base64.b64encode(account.iv)
    right_hash = hashlib.sha256(hashed + secrets).hexdigest()
    if not hmac.compare_digest(right_hash.encode(), received_hash.encode()):
        raise Refusal(403, "hash", f"does not belong to this {field} and this group's key and iv")
    _refuse_blank(hashed, field)
    return Opened(account, read_object(hashed, field), hashlib.sha256(hashed).digest())


def open_datagram(datagram: bytes, accounts: Accounts) -> Opened:
    """The event of one datagram `<authGroupId>|<base64>`, or Refusal."""
    group, bar, message = datagram.partition(b"|")
    if not bar:
        raise Refusal(400, "datagram", "has no | between the group's id and the message")
    try:
        auth_group_id, text = group.decode(), message.decode()
    except UnicodeDecodeError:
        raise Refusal(400, "datagram", "is not text in UTF-8") from None
    return _decrypted(_account("id", auth_group_id, accounts), "message", text)


def read_object(text: bytes, field: str, status: int = 400, wrong: str = "") -> dict[str, object]:
    """The JSON object in `text`, or Refusal that says `wrong`."""
    try:
        return msgspec.json.decode(text, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(status, field, wrong or f"is not a JSON object: {error}") from None


def kind(value: object) -> str:
    """What JSON calls it."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "an array"
    return "an object"


def _text(envelope: dict[str, object], names: tuple[str, ...]) -> tuple[str, str]:
    """The name and the text of the field that goes by one of these names."""
    given = [name for name in names if name in envelope]
    if not given:
        raise Refusal(400, names[0], "is missing")
    for name in given:
        value = envelope[name]
        if not isinstance(value, str):
            raise Refusal(400, name, f"must be text, not {kind(value)}")
        if value != envelope[given[0]]:
            raise Refusal(400, name, f"is not equal to {given[0]}")
    return given[0], str(envelope[given[0]])


def _account(field: str, auth_group_id: str, accounts: Accounts) -> Account:
    account = accounts.get(auth_group_id)
    if account is None:
        raise Refusal(401, field, "no such authentication group")
    return account


def _decrypted(account: Account, field: str, message: str) -> Opened:
    ciphertext = strict_base64(message)
    if ciphertext is None:
        raise Refusal(400, field, "must be standard, padded base64 without line breaks")
    plaintext = AES.new(account.key, AES.MODE_CFB, account.iv, segment_size=8).decrypt(ciphertext)
    _refuse_blank(plaintext, field)
    wrong = "does not decrypt to a JSON object: another key or iv, or damaged on its way"
    return Opened(
        account,
        read_object(plaintext, field, 403, wrong),
        hashlib.sha256(message.encode()).digest(),
    )


def _refuse_blank(plaintext: bytes, field: str) -> None:
    """The PHP class sends nothing, or blanks, when it could not make an event (WIRE.md B1)."""
    if not plaintext.strip(b" "):
        raise Refusal(400, field, "is empty: the client made no event")
