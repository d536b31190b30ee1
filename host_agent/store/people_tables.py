"""Users, tokens and logins in their tables.

A row that got damaged keeps its name or id, so that it can be listed and removed, and lets nobody
in.
"""

import sqlite3
from collections.abc import Callable
from typing import TypeVar, get_args

import msgspec

from host_agent.people import ApiToken, Login, LoginOutcome, User
from host_agent.store.schema import Row

_T = TypeVar("_T")

MAX_LOGINS = 10_000
MAX_TEXT = 256
"""Characters kept of a text of a login."""

_LAST_MS = 253_402_214_400_000  # 9999-12-31, which every calendar can show

_USERS = "name, email, password, created_ms, changed_ms"
_TOKENS = "id, name, scopes, digest, created_ms, expires_ms, used_ms"
_LOGINS = "at_ms, user, source_ip, user_agent, outcome, response, reason"

_ADD_USER = f"INSERT INTO users ({_USERS}) VALUES (?, ?, ?, ?, ?)"  # noqa: S608  constants, here and below
_FIND_USER = f"SELECT {_USERS} FROM users WHERE name = ?"  # noqa: S608
_LIST_USERS = f"SELECT {_USERS} FROM users ORDER BY name"  # noqa: S608
_NAMESAKE = "SELECT name FROM users WHERE name = ? COLLATE NOCASE"
_CHANGE = """
UPDATE users SET password = ?2, changed_ms = max(?3, changed_ms + 1) WHERE name = ?1
"""
_REHASH = "UPDATE users SET password = ?3 WHERE name = ?1 AND password = ?2"

_ADD_TOKEN = f"INSERT INTO tokens ({_TOKENS}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_FIND_TOKEN = f"SELECT {_TOKENS} FROM tokens WHERE id = ?"  # noqa: S608
_LIST_TOKENS = f"SELECT {_TOKENS} FROM tokens ORDER BY created_ms, id"  # noqa: S608
_USED = "UPDATE tokens SET used_ms = ?2 WHERE id = ?1"

_ADD_LOGIN = f"INSERT INTO logins ({_LOGINS}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_LIST_LOGINS = f"SELECT {_LOGINS} FROM logins ORDER BY id DESC LIMIT ?"  # noqa: S608
_TRIM_LOGINS = "DELETE FROM logins WHERE id <= (SELECT max(id) FROM logins) - ?"
_PURGE_LOGINS = """
DELETE FROM logins WHERE id IN (SELECT id FROM logins WHERE at_ms < ? LIMIT ?)
"""

_OUTCOMES: dict[str, LoginOutcome] = {one: one for one in get_args(LoginOutcome)}

_scopes = msgspec.json.Decoder(tuple[str, ...])


def add_user(connection: sqlite3.Connection, user: User) -> None:
    values = (user.name, user.email, user.password, user.created_ms, user.changed_ms)
    connection.execute(_ADD_USER, values)


def namesake(connection: sqlite3.Connection, name: str) -> str | None:
    """The user whose name is this one, but for capitals."""
    found = connection.execute(_NAMESAKE, (name,)).fetchone()
    return None if found is None else _text(found[0])


def set_password(connection: sqlite3.Connection, name: str, password: str, now_ms: int) -> bool:
    """Whether there is such a user."""
    return connection.execute(_CHANGE, (_kept(name), password, now_ms)).rowcount == 1


def rehash(connection: sqlite3.Connection, name: str, before: str, after: str) -> None:
    connection.execute(_REHASH, (name, before, after))


def remove_user(connection: sqlite3.Connection, name: str) -> bool:
    """Whether there was such a user."""
    return connection.execute("DELETE FROM users WHERE name = ?", (_kept(name),)).rowcount == 1


def user(connection: sqlite3.Connection, name: str) -> User | None:
    return _one(connection, _FIND_USER, name, _user)


def users(connection: sqlite3.Connection) -> list[User]:
    return [_user(row) for row in connection.execute(_LIST_USERS)]


def add_token(connection: sqlite3.Connection, token: ApiToken) -> None:
    scopes = msgspec.json.encode(token.scopes).decode()
    times = (token.created_ms, token.expires_ms, token.used_ms)
    connection.execute(_ADD_TOKEN, (token.id, token.name, scopes, token.digest, *times))


def used_token(connection: sqlite3.Connection, token_id: str, at_ms: int) -> None:
    connection.execute(_USED, (token_id, at_ms))


def remove_token(connection: sqlite3.Connection, token_id: str) -> bool:
    """Whether there was such a token."""
    return connection.execute("DELETE FROM tokens WHERE id = ?", (_kept(token_id),)).rowcount == 1


def token(connection: sqlite3.Connection, token_id: str) -> ApiToken | None:
    return _one(connection, _FIND_TOKEN, token_id, _token)


def tokens(connection: sqlite3.Connection) -> list[ApiToken]:
    return [_token(row) for row in connection.execute(_LIST_TOKENS)]


def add_login(connection: sqlite3.Connection, login: Login) -> None:
    """Record it, and drop the oldest beyond MAX_LOGINS."""
    texts = (login.user, login.source_ip, login.user_agent)
    outcome = (login.outcome, login.response, login.reason)
    connection.execute(_ADD_LOGIN, (login.at_ms, *map(_kept, texts), *map(_kept, outcome)))
    connection.execute(_TRIM_LOGINS, (MAX_LOGINS,))


def logins(connection: sqlite3.Connection, limit: int) -> list[Login]:
    """Newest first."""
    return [_login(row) for row in connection.execute(_LIST_LOGINS, (limit,))]


def purge_logins(connection: sqlite3.Connection, before_ms: int, limit: int) -> int:
    """Delete at most `limit` from before that time; how many."""
    return connection.execute(_PURGE_LOGINS, (before_ms, limit)).rowcount


def _one(
    connection: sqlite3.Connection, query: str, key: str, record: Callable[[Row], _T]
) -> _T | None:
    row = connection.execute(query, (_kept(key),)).fetchone()
    return None if row is None else record(row)


def _user(row: Row) -> User:
    name, email, password, created, changed = row
    return User(_text(name), _text(email), _text(password), _time(created), _time(changed))


def _token(row: Row) -> ApiToken:
    token_id, name, scopes, digest, created, expires, used = row
    return ApiToken(
        id=_text(token_id),
        name=_text(name),
        scopes=_read_scopes(scopes),
        digest=digest if isinstance(digest, bytes) else b"",
        created_ms=_time(created),
        expires_ms=None if expires is None else _time(expires),
        used_ms=None if used is None else _time(used),
    )


def _login(row: Row) -> Login:
    at, *texts = row
    user_name, source_ip, user_agent, outcome, response, reason = map(_text, texts)
    known = _OUTCOMES.get(outcome, "refused")
    return Login(_time(at), user_name, source_ip, user_agent, known, response, reason)


def _read_scopes(text: object) -> tuple[str, ...]:
    try:
        return _scopes.decode(_text(text))
    except (msgspec.MsgspecError, RecursionError):
        return ()


def _kept(text: str) -> str:
    """What the file can hold: no lone surrogates."""
    return text[:MAX_TEXT].encode("utf-8", "replace").decode()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _time(value: object) -> int:
    """Long ago if it is no time: then a token has expired."""
    return value if isinstance(value, int) and 0 <= value <= _LAST_MS else 0
