"""Users, tokens and logins, as the console, the API and the command line see them:
`store.people`."""

import sqlite3
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from host_agent.clock import now_ms
from host_agent.people import ApiToken, Login, TokenError, User, UserError, new_user
from host_agent.store import people_tables as tables
from host_agent.store.group import Group
from host_agent.store.writer import Writer

T = TypeVar("T")
_Purge = Callable[[Callable[[sqlite3.Connection, int], int]], Awaitable[int]]


class _Read(Protocol):
    def __call__(self, query: Callable[[sqlite3.Connection], T], /) -> T: ...


class People:
    """Part of a Store; methods raise StoreError as those of the store do. What another process
    changed is seen at once."""

    def __init__(self, writer: Writer, read: _Read, purge: _Purge) -> None:
        self._writer = writer
        self._read = read
        self._purge = purge

    # Users

    def add_user(self, name: str, email: str, password_hash: str) -> User:
        """Raises UserError for what cannot be a user, and for a name that is there already, but for
        capitals."""
        user = new_user(name, email, password_hash, now_ms())

        def add(group: Group) -> User:
            if (namesake := tables.namesake(group.connection, name)) is not None:
                raise UserError(
                    f"there is a user {namesake} already; `thingwarden user password` gives a new"
                    " password"
                )
            tables.add_user(group.connection, user)
            return user

        return self._writer.call(add)

    def set_password(self, name: str, password_hash: str) -> None:
        """Raises UserError if there is no such user."""

        def change(group: Group) -> None:
            if not tables.set_password(group.connection, name, password_hash, now_ms()):
                raise _no_user(name)

        self._writer.call(change)

    async def rehash(self, user: User, password_hash: str) -> None:
        """Keep the same password under another hash, unless it was changed meanwhile; sessions go
        on."""
        await self._writer.run(
            lambda group: tables.rehash(group.connection, user.name, user.password, password_hash)
        )

    def remove_user(self, name: str) -> None:
        """Raises UserError if there is no such user."""

        def remove(group: Group) -> None:
            if not tables.remove_user(group.connection, name):
                raise _no_user(name)

        self._writer.call(remove)

    def user(self, name: str) -> User | None:
        return self._read(lambda reader: tables.user(reader, name))

    def users(self) -> list[User]:
        """By name."""
        return self._read(tables.users)

    # Tokens

    def add_token(self, token: ApiToken) -> None:
        """A token as `host_agent.tokens.new_token` makes it."""
        self._writer.call(lambda group: tables.add_token(group.connection, token))

    def revoke_token(self, token_id: str) -> None:
        """Raises TokenError if there is no such token."""

        def revoke(group: Group) -> None:
            if not tables.remove_token(group.connection, token_id):
                raise TokenError("there is no such token; `thingwarden token list` shows all")

        self._writer.call(revoke)

    async def used_token(self, token_id: str, at_ms: int) -> None:
        """Note when a token was used last."""
        await self._writer.run(lambda group: tables.used_token(group.connection, token_id, at_ms))

    def token(self, token_id: str) -> ApiToken | None:
        return self._read(lambda reader: tables.token(reader, token_id))

    def tokens(self) -> list[ApiToken]:
        """Oldest first."""
        return self._read(tables.tokens)

    # Logins

    async def add_login(self, login: Login) -> None:
        """Keep an attempt to log in; the newest 10,000 stay."""
        await self._writer.run(lambda group: tables.add_login(group.connection, login))

    def logins(self, limit: int = 50) -> list[Login]:
        """Newest first."""
        return self._read(lambda reader: tables.logins(reader, limit))

    async def purge_logins(self, before_ms: int) -> int:
        """Delete attempts to log in from before that time; how many."""
        return await self._purge(
            lambda connection, limit: tables.purge_logins(connection, before_ms, limit)
        )


def _no_user(name: str) -> UserError:
    return UserError(f"there is no user {name}; `thingwarden user list` shows all")
