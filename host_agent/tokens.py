"""Tokens of the API: what lets a program in, and what it may do there.

The text of a token is `tw_<id>_<secret>`: a random id of 12 hex digits, which is public, and 256
random bits as base64url.
"""

import hashlib
import hmac
import re
import secrets
import unicodedata
from collections.abc import Collection

from host_agent.commands import COMMAND_NAME
from host_agent.people import ApiToken, TokenError
from host_agent.store import DEVICE_NAME

READ = "read"
COMMANDS = "commands"

_MAX_NAME = 64
_MAX_SCOPES = 32
_TEXT = re.compile(r"tw_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
_SCOPE = re.compile(rf"{READ}|{COMMANDS}(:{DEVICE_NAME.pattern}(:{COMMAND_NAME.pattern})?)?")


def new_token(
    name: str, scopes: Collection[str], expires_ms: int | None, now_ms: int
) -> tuple[ApiToken, str]:
    """A token and its text, which must be shown once and kept nowhere. Raises TokenError."""
    if not 1 <= len(name) <= _MAX_NAME or not _is_plain(name):
        raise TokenError(
            f"{name!r} cannot be a token's name; use 1 to {_MAX_NAME} printable characters, without"
            " spaces at the ends"
        )
    if not 1 <= len(scopes) <= _MAX_SCOPES:
        raise TokenError(f"a token needs 1 to {_MAX_SCOPES} scopes")
    for scope in scopes:
        if not _SCOPE.fullmatch(scope):
            raise TokenError(
                f"{scope!r} is no scope; use read, commands, commands:DEVICE or"
                " commands:DEVICE:NAME"
            )
    if expires_ms is not None and expires_ms <= now_ms:
        raise TokenError("a token must expire later than now")
    token_id = secrets.token_hex(6)
    text = f"tw_{token_id}_{secrets.token_urlsafe(32)}"
    unique = tuple(dict.fromkeys(scopes))
    return ApiToken(token_id, name, unique, _digest(text), now_ms, expires_ms), text


def id_of(text: str) -> str | None:
    """The id of the token that has this text, if any has; None for what is no token's text."""
    found = _TEXT.fullmatch(text)
    return found and found[1]


def is_genuine(token: ApiToken, text: str, now_ms: int) -> bool:
    """Whether the text is this token's, and the token has not expired."""
    expired = token.expires_ms is not None and token.expires_ms <= now_ms
    return hmac.compare_digest(token.digest, _digest(text)) and not expired


def may_read(token: ApiToken) -> bool:
    return READ in token.scopes


def may_command(token: ApiToken, device: str, name: str) -> bool:
    """Whether it may have the device do this."""
    asked = [COMMANDS, device, name]
    allowed = [scope.split(":") for scope in token.scopes]
    return any(asked[: len(parts)] == parts for parts in allowed)


def _digest(text: str) -> bytes:
    """A fast hash is enough for what is random."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _is_plain(name: str) -> bool:
    """Nothing that is unseen, or looks like something else in a list."""
    return name.isprintable() and name == name.strip() and unicodedata.is_normalized("NFKC", name)
