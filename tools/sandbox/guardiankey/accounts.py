"""Who the sandbox knows: authentication groups with their keys, from a file or registered."""

import base64
import binascii
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import msgspec

from host_agent.errors import ThingWardenError
from tools.sandbox.guardiankey.refusal import Refusal

KEY_BYTES = 32
IV_BYTES = 16


class AccountsError(ThingWardenError):
    """The list of accounts cannot be used; the message names the account and the field."""


@dataclass(frozen=True)
class Account:
    """One authentication group; `webhook_url` "": nobody is notified."""

    auth_group_id: str
    organization_id: str
    key: bytes = field(repr=False)
    iv: bytes = field(repr=False)
    webhook_url: str = ""
    blocked_users: tuple[str, ...] = ()


class Accounts:
    """The groups by their id; with `limit` of them, nobody else can register."""

    def __init__(self, accounts: Iterable[Account] = ()) -> None:
        self.limit = 10_000
        self._groups: dict[str, Account] = {}
        for account in accounts:
            self.add(account)

    def add(self, account: Account) -> None:
        if account.auth_group_id in self._groups:
            raise AccountsError(f"auth_group_id: {account.auth_group_id!r} is there twice")
        self._groups[account.auth_group_id] = account

    def get(self, auth_group_id: str) -> Account | None:
        return self._groups.get(auth_group_id)

    def register(self, key: bytes, iv: bytes, webhook_url: str = "") -> Account:
        """A new group with fresh ids for a client that made `key` and `iv` (WIRE.md B7), or
        Refusal."""
        if len(self._groups) >= self.limit:
            raise Refusal(503, "register", f"there are {self.limit} groups, the most there can be")
        account = Account(secrets.token_hex(32), secrets.token_hex(32), key, iv, webhook_url)
        self.add(account)
        return account


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    auth_group_id: str
    organization_id: str
    key: str
    iv: str
    webhook_url: str = ""
    blocked_users: list[str] = []


def read_accounts(text: bytes) -> list[Account]:
    """The accounts of a JSON list (README.md), or AccountsError."""
    try:
        entries = msgspec.json.decode(text, type=list[_Entry])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise AccountsError(str(error)) from None
    accounts = [_account(entry, f"$[{number}]") for number, entry in enumerate(entries)]
    Accounts(accounts)  # refuses an id that is there twice
    return accounts


def strict_base64(text: str) -> bytes | None:
    """What standard, padded base64 without line breaks stands for; None if `text` is not that."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return content if base64.b64encode(content).decode() == text else None


def is_web_address(url: str) -> bool:
    """Whether a webhook can be posted there."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _account(entry: _Entry, place: str) -> Account:
    if not entry.auth_group_id:
        raise AccountsError(f"{place}.auth_group_id: is empty")
    if entry.webhook_url and not is_web_address(entry.webhook_url):
        raise AccountsError(f"{place}.webhook_url: must start with http:// or https://")
    return Account(
        entry.auth_group_id,
        entry.organization_id,
        _secret(entry.key, KEY_BYTES, f"{place}.key"),
        _secret(entry.iv, IV_BYTES, f"{place}.iv"),
        entry.webhook_url,
        tuple(entry.blocked_users),
    )


def _secret(text: str, length: int, place: str) -> bytes:
    content = strict_base64(text)
    if content is None or len(content) != length:
        raise AccountsError(f"{place}: must be {length} bytes in base64")
    return content
