"""Who may use the console and the API: records of users, tokens and logins. Times are Unix ms."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

LoginOutcome: TypeAlias = Literal["accepted", "refused", "blocked", "limited"]
"""`refused`: a wrong password or user; `blocked`: by GuardianKey, whatever the password;
`limited`: too many attempts, so nothing was checked."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may log in. `password` is a PHC string of argon2id; `changed_ms` is when it was
    set last, so that sessions begun before it end."""

    name: str
    email: str
    password: str = field(repr=False)
    created_ms: int
    changed_ms: int


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A program's right to the API. `digest` is SHA-256 of its secret, which is shown once and kept
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
    """An attempt to log in, and what came of it. `response` is GuardianKey's verdict in capitals,
    "" if it was not asked; `reason` why it gave none."""

    at_ms: int
    user: str
    source_ip: str
    user_agent: str
    outcome: LoginOutcome
    response: str = ""
    reason: str = ""
