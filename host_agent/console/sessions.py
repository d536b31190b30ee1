"""Sessions of people who logged in, in memory: a restart of the agent ends them."""

import hashlib
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from host_agent.people import User
from host_agent.store import Store

IDLE_S = 30 * 60
WHOLE_S = 12 * 3600
MAX_OF_A_USER = 16
MAX_SESSIONS = 256

_log = logging.getLogger(__name__)


@dataclass
class Session:
    """`id` is public (it goes to SecuriThings as SESSION_ID); the cookie's value is kept nowhere
    but as a hash. `notice` is shown once, on the next page; `typed` is (a device, the
    fields of its form) when a command was refused, for the form to show again."""

    id: str
    user: str
    csrf: str = field(repr=False)
    address: str
    user_agent: str
    notice: str = ""
    typed: tuple[str, dict[str, str]] = field(default=("", {}), repr=False)


@dataclass
class _Held:
    """`changed_ms` is when the password was set that began it; the times are the clock's."""

    session: Session
    changed_ms: int
    began: float
    used: float


class Sessions:
    """What `guard` and `login` work on. Belongs to the event loop. `clock` counts seconds."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._held: dict[bytes, _Held] = {}
        """By the hash of the cookie, oldest first."""

    def begin(self, user: User, address: str, user_agent: str) -> tuple[Session, str]:
        """(session, cookie) of `user`, as the record was when its password was verified. The
        oldest sessions make room."""
        self._drop_ended()
        own = [key for key, held in self._held.items() if held.session.user == user.name]
        self._make_room(own, MAX_OF_A_USER)
        self._make_room(list(self._held), MAX_SESSIONS)
        cookie, now = secrets.token_urlsafe(32), self._clock()
        session = Session(
            id=secrets.token_hex(8),
            user=user.name,
            csrf=secrets.token_urlsafe(32),
            address=address,
            user_agent=user_agent,
        )
        self._held[_digest(cookie)] = _Held(session, user.changed_ms, now, now)
        return session, cookie

    def find(
        self, cookie: str, address: str, user_agent: str, *, in_use: bool = True
    ) -> Session | None:
        """The session of this cookie; None if there is none, or no longer. `in_use`: a person did
        something, so that it goes on. From another address or user agent the cookie is a stolen
        one, and ends the session. Raises StoreError."""
        key = _digest(cookie)
        held = self._held.get(key)
        if held is None:
            return None
        session = held.session
        if self._is_over(held):
            del self._held[key]
            return None
        if (session.address, session.user_agent) != (address, user_agent):
            del self._held[key]
            other = "browser" if session.address == address else f"address, {address}"
            _log.warning(
                "the session of %s ended: its cookie came from another %s", session.user, other
            )
            return None
        if in_use:
            held.used = self._clock()
        return session

    def lives(self, session: Session) -> bool:
        """Whether it goes on, for what outlasts a request. Raises StoreError."""
        held = next((held for held in self._held.values() if held.session is session), None)
        return held is not None and not self._is_over(held)

    def end(self, session: Session) -> None:
        self._held = {key: held for key, held in self._held.items() if held.session is not session}

    def _make_room(self, keys: list[bytes], most: int) -> None:
        """For one more than these, the oldest first."""
        for key in keys[: max(0, len(keys) + 1 - most)]:
            del self._held[key]

    def _is_over(self, held: _Held) -> bool:
        now = self._clock()
        if now - held.used >= IDLE_S or now - held.began >= WHOLE_S:
            return True
        user = self._store.people.user(held.session.user)
        return user is None or user.changed_ms != held.changed_ms

    def _drop_ended(self) -> None:
        now = self._clock()
        self._held = {
            key: held
            for key, held in self._held.items()
            if now - held.used < IDLE_S and now - held.began < WHOLE_S
        }


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode()).digest()
