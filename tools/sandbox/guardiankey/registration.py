"""What a registration must hold (WIRE.md B7); no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tools.sandbox.guardiankey.accounts import (
    IV_BYTES,
    KEY_BYTES,
    is_web_address,
    strict_base64,
)
from tools.sandbox.guardiankey.envelope import kind, read_object
from tools.sandbox.guardiankey.refusal import Refusal

_MAX_CHARACTERS = 8192
_SMTP_FIELDS = ("smtp_method", "smtp_host", "smtp_port", "smtp_user", "smtp_pass")


@dataclass(frozen=True)
class Registration:
    key: bytes = field(repr=False)
    iv: bytes = field(repr=False)
    webhook_url: str = ""


def read_registration(fields: Mapping[str, object]) -> Registration:
    """What is asked for, or Refusal."""
    if "@" not in _text(fields, "email").strip("@"):
        raise Refusal(400, "email", "is no e-mail address")
    return Registration(
        _secret(fields, "keyb64", KEY_BYTES),
        _secret(fields, "ivb64", IV_BYTES),
        _webhook_url(fields),
    )


def _webhook_url(fields: Mapping[str, object]) -> str:
    """The address of the webhook, "" for an e-mail or nothing; e-mails are only checked."""
    if not ("notify_method" in fields or "notify_data" in fields):
        return ""
    method = _text(fields, "notify_method")
    encoded = strict_base64(_text(fields, "notify_data"))
    if encoded is None:
        raise Refusal(400, "notify_data", "must be standard, padded base64")
    notify = read_object(encoded, "notify_data")
    match method:
        case "webhook":
            url = _text(notify, "webhook_url", "notify_data.")
            if not is_web_address(url):
                raise Refusal(400, "notify_data.webhook_url", "must start with http:// or https://")
            return url
        case "email":
            for name in _SMTP_FIELDS:
                if not isinstance(notify.get(name), str | int):
                    raise Refusal(400, f"notify_data.{name}", "must be text")
            return ""
    raise Refusal(400, "notify_method", 'must be "email" or "webhook"')


def _secret(fields: Mapping[str, object], name: str, length: int) -> bytes:
    content = strict_base64(_text(fields, name))
    if content is None or len(content) != length:
        raise Refusal(400, name, f"must be {length} bytes in standard, padded base64")
    return content


def _text(fields: Mapping[str, object], name: str, prefix: str = "") -> str:
    if name not in fields:
        raise Refusal(400, prefix + name, "is missing")
    value = fields[name]
    if not isinstance(value, str):
        raise Refusal(400, prefix + name, f"must be text, not {kind(value)}")
    if len(value) > _MAX_CHARACTERS:
        raise Refusal(413, prefix + name, f"has more than {_MAX_CHARACTERS} characters")
    return value
