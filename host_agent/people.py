"""Who may use the console and the API: users, tokens and logins. Times are Unix ms."""

import re
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from host_agent.errors import ThingWardenError

LoginOutcome: TypeAlias = Literal["accepted", "refused", "blocked", "limited"]
"""`refused`: a wrong password or user; `blocked`: by GuardianKey, whatever the password;
`limited`: too many attempts, so nothing was checked."""

_USER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_MAX_EMAIL = 128


class UserError(ThingWardenError):
    """A user that cannot be added, or is not there."""


class TokenError(ThingWardenError):
    """A token that cannot be made, or is not there. Never shows a token."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may log in. `password` is a PHC string of argon2id; `changed_ms` is when it was
    set last: it grows with each change, and sessions end that began under another one."""

    name: str
    email: str
    password: str = field(repr=False)
    created_ms: int
    changed_ms: int


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A program's right to the API. `digest` is SHA-256 of its text, which is shown once and kept
    nowhere; `expires_ms` None: never; `used_ms` is when it was used last, to the minute."""

    id: str
    name: str
    scopes: tuple[str, ...]
    digest: bytes = field(repr=False)
    created_ms: int
    expires_ms: int | None = None
    used_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Login:
    """An attempt to log in, and what came of it. `user` is "" for a name that nobody has: it may be
    a password in the wrong field. `response` is GuardianKey's verdict in capitals, "" if it was not
    asked; `reason` why it gave none."""

    at_ms: int
    user: str
    source_ip: str
    user_agent: str
    outcome: LoginOutcome
    response: str = ""
    reason: str = ""


def new_user(name: str, email: str, password_hash: str, now_ms: int) -> User:
    """Raises UserError for what cannot be a user's name or e-mail address."""
    if not _USER_NAME.fullmatch(name):
        raise UserError(
            f"{name!r} cannot be a user's name; use up to 64 letters, digits, '.', '_', '-', '@'"
            " and '+', starting with a letter or digit"
        )
    if len(email) > _MAX_EMAIL or not email.isprintable():
        raise UserError(
            f"the e-mail address of {name} must have at most {_MAX_EMAIL} characters, and no"
            " control characters"
        )
    return User(name, email, password_hash, now_ms, now_ms)
