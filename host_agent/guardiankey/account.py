"""Who an organization is at GuardianKey: its ids and the key and iv of its messages."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from host_agent.guardiankey import account_file
from host_agent.guardiankey.errors import AccountError, RegistrationError
from host_agent.guardiankey.registration import Email, Webhook, register
from host_agent.guardiankey.settings import DEFAULT_API, IV_BYTES, KEY_BYTES

DEFAULT_SERVICE = "ThingWarden"

_MAX_TEXT = 256
_YES = (True, 1, "1", "true", "True", "yes")
_NO = (False, 0, None, "", "0", "false", "False", "no")


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account; its repr shows neither key nor iv.

    `agent_id` names this client, `service` what people log in to; `reverse` asks for the name of
    each client address (a bounded DNS look-up). Raises AccountError naming the field unless the
    ids are texts of 1 to 256 printable characters, the key has 32 bytes and the iv 16.
    """

    agent_id: str
    organization_id: str
    auth_group_id: str
    key: bytes = field(repr=False)
    iv: bytes = field(repr=False)
    service: str = DEFAULT_SERVICE
    reverse: bool = False

    def __post_init__(self) -> None:
        for name in ("agent_id", "organization_id", "auth_group_id", "service"):
            _check_text(name, getattr(self, name))
        if "|" in self.auth_group_id:
            raise AccountError("auth_group_id must not contain |, which ends it in a datagram")
        _check_bytes("key", self.key, KEY_BYTES)
        _check_bytes("iv", self.iv, IV_BYTES)
        if not isinstance(self.reverse, bool):
            raise AccountError("reverse must be true or false")

    @property
    def key_text(self) -> str:
        """The key as it is written down and hashed: standard base64."""
        return base64.b64encode(self.key).decode()

    @property
    def iv_text(self) -> str:
        """The iv in the same way."""
        return base64.b64encode(self.iv).decode()

    @classmethod
    def register(
        cls,
        email: str,
        notify: Webhook | Email | None = None,
        api: str = DEFAULT_API,
        *,
        service: str = DEFAULT_SERVICE,
        ca: str | Path | None = None,
    ) -> Self:
        """A new account at GuardianKey, with key, iv and agent id made here.

        `notify`: where its notifications go. Raises RegistrationError, or AccountError for a
        `service` that cannot be.
        """
        _check_text("service", service)  # before there is an account that would be lost
        fields = register(email, notify, api, ca=ca)
        try:
            return cls(**fields, service=service)
        except AccountError as error:
            raise RegistrationError(f"GuardianKey's answer cannot be used: {error}") from None

    @classmethod
    def from_reference(cls, config: Mapping[str, object]) -> Self:
        """From the reference clients' configuration, key and iv in base64 (WIRE.md B7, B10).

        Names: agentid, key, iv, service, orgid, authgroupid or groupid, reverse; others are
        ignored. Raises AccountError naming the field as the reference does.
        """
        groups = [config[name] for name in ("authgroupid", "groupid") if name in config]
        if groups[1:] and groups[0] != groups[1]:
            raise AccountError("authgroupid and groupid differ: keep the right one")
        group = "authgroupid" if "authgroupid" in config else "groupid"
        texts = {"agent_id": "agentid", "organization_id": "orgid", "auth_group_id": group}
        for name in (*texts.values(), "key", "iv"):
            if name not in config:
                raise AccountError(f"{'authgroupid' if name == group else name} is missing")
        fields: dict[str, Any] = {ours: config[theirs] for ours, theirs in texts.items()}
        for ours, theirs in texts.items():
            _check_text(theirs, fields[ours])
        if "service" in config:
            fields["service"] = config["service"]
        return cls(
            **fields,
            key=decoded("key", config["key"], KEY_BYTES),
            iv=decoded("iv", config["iv"], IV_BYTES),
            reverse=_flag("reverse", config.get("reverse")),
        )

    def to_reference(self) -> dict[str, str]:
        """What the reference clients are configured with; holds the secrets."""
        return {
            "agentid": self.agent_id,
            "key": self.key_text,
            "iv": self.iv_text,
            "service": self.service,
            "orgid": self.organization_id,
            "authgroupid": self.auth_group_id,
            "reverse": str(self.reverse),
        }

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """From a TOML file as `save` writes it. Raises AccountError naming file and field."""
        fields = account_file.read(Path(path))
        try:
            fields["key"] = decoded("key", fields["key"], KEY_BYTES)
            fields["iv"] = decoded("iv", fields["iv"], IV_BYTES)
            return cls(**fields)
        except AccountError as error:
            raise AccountError(f"{path}: {error}") from None

    def save(self, path: str | Path, *, replace: bool = False) -> None:
        """Into a TOML file of mode 0600, whole or not at all. Raises AccountError, also if there
        is such a file and `replace` is not set: an account's key exists nowhere else."""
        fields = asdict(self) | {"key": self.key_text, "iv": self.iv_text}
        account_file.write(Path(path), fields, replace=replace)


def decoded(name: str, text: object, size: int) -> bytes:
    """The bytes of a base64 text; raises AccountError unless they are `size`.

    The text must be the usual one of those bytes, because v2 hashes the text (WIRE.md B4).
    """
    if not isinstance(text, str):
        raise AccountError(f"{name} must be a text in base64")
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise AccountError(f"{name} is not standard base64") from None
    if len(content) != size:
        raise AccountError(f"{name} must be the base64 of {size} bytes, not of {len(content)}")
    if base64.b64encode(content).decode() != text:
        raise AccountError(f"{name} is not standard base64: its last characters cannot be right")
    return content


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise AccountError(f"{name} must be a text, not {type(value).__name__}")
    if not 1 <= len(value) <= _MAX_TEXT or not value.isprintable():
        raise AccountError(f"{name} must be 1 to {_MAX_TEXT} printable characters")


def _check_bytes(name: str, value: object, size: int) -> None:
    if not isinstance(value, bytes):
        raise AccountError(f"{name} must be bytes, not {type(value).__name__}")
    if len(value) != size:
        raise AccountError(f"{name} must be {size} bytes, not {len(value)}")


def _flag(name: str, value: object) -> bool:
    """The reference's ways to write a boolean (WIRE.md B10)."""
    if isinstance(value, str | int | None):
        if value in _YES:
            return True
        if value in _NO:
            return False
    raise AccountError(f"{name} must be True or False")
