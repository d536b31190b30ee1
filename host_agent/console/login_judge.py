"""Whether somebody may log in: how often it was tried, the password, and what GuardianKey says."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Literal, TypeAlias

from host_agent.clock import now_ms
from host_agent.console.login_limits import LoginLimits
from host_agent.console.parts import ConsoleParts
from host_agent.guardiankey import Response
from host_agent.passwords import PasswordError, hash_password, needs_rehash, verify
from host_agent.people import Login, LoginOutcome, User
from host_agent.store import StoreError
from host_agent.text import printable
from host_agent.throttle import Throttle

HASHES_AT_A_TIME = 2
"""Each takes 64 MiB, and a core for some 0.2 s."""
MAX_WAITING = 8
"""Logins that wait for their hash."""
RETRY_BUSY_S = 2
GUARDIANKEY_S = 5.0
MAX_NAME = 64
"""Characters of a user's name; a longer one is nobody's."""
_MAX_REASON = 200
_TELL_EVERY_S = 10

_log = logging.getLogger(__name__)

Outcome: TypeAlias = LoginOutcome | Literal["busy"]


@dataclass(frozen=True)
class Judgement:
    """`user` is the record that the password was checked with, only if it is `accepted`;
    `retry_s` when to come again, if nothing was checked."""

    outcome: Outcome
    user: User | None = None
    retry_s: int = 0


@dataclass(frozen=True)
class _Attempt:
    """`name` is what was typed; for nobody's it may be a password, so it is kept nowhere."""

    name: str
    user: User | None
    address: str
    user_agent: str


class LoginJudge:
    """Belongs to the event loop."""

    def __init__(self, parts: ConsoleParts, limits: LoginLimits | None = None) -> None:
        self._people = parts.store.people
        self._guardiankey = parts.guardiankey
        self._cost = parts.password_cost
        self._logins = parts.metrics.logins
        self._limits = limits or LoginLimits()
        self._places = HASHES_AT_A_TIME + MAX_WAITING
        self._hashing = asyncio.Semaphore(HASHES_AT_A_TIME)
        self._told = Throttle(_TELL_EVERY_S)

    async def judge(self, name: str, password: str, address: str, user_agent: str) -> Judgement:
        """Names that nobody has take as long as others, and look the same. Raises StoreError if
        users cannot be read."""
        name = name[: MAX_NAME + 1]
        attempt = _Attempt(name, self._people.user(name), address, user_agent)
        if wait := self._limits.wait(address, name):
            self._count("limited")
            if wait.new:
                self._tell("limited", f"logins from {address} are too many: they have to wait")
                await self._keep(attempt, "limited")
            return Judgement("limited", retry_s=wait.seconds)
        if not self._places:
            self._count("busy")
            self._tell("busy", "too many logins at a time: some are told to come again")
            return Judgement("busy", retry_s=RETRY_BUSY_S)
        self._limits.begin(address, name)
        good = await self._is_good(attempt.user, password)
        response, reason = await self._asked(attempt, failed=not good)
        outcome: LoginOutcome = "accepted" if good else "refused"
        if response == Response.BLOCK:
            outcome = "blocked"
        self._count(outcome)
        self._tell_outcome(attempt, outcome)
        await self._keep(attempt, outcome, response, reason)
        if outcome != "accepted" or attempt.user is None:
            return Judgement(outcome)
        self._limits.succeeded(address, name)
        await self._renew_hash(attempt.user, password)
        return Judgement(outcome, attempt.user)

    async def _is_good(self, user: User | None, password: str) -> bool:
        self._places -= 1
        try:
            async with self._hashing:
                known = user.password if user else None
                return await asyncio.to_thread(verify, known, password, self._cost)
        finally:
            self._places += 1

    async def _asked(self, attempt: _Attempt, *, failed: bool) -> tuple[str, str]:
        """GuardianKey's (response, why it gives none); it decides nothing without a response."""
        if self._guardiankey is None:
            return "", ""
        email = attempt.user.email if attempt.user else ""
        try:
            async with asyncio.timeout(GUARDIANKEY_S):
                verdict = await self._guardiankey.check_access(
                    attempt.name, email, failed, attempt.address, attempt.user_agent
                )
        except TimeoutError:
            response, reason = Response.ERROR, "GuardianKey did not answer in time"
        else:
            response, reason = verdict.response, printable(verdict.reason)[:_MAX_REASON]
        if response is Response.ERROR:
            self._tell("no verdict", f"no verdict on a login, so its password decides: {reason}")
        return response.value, reason

    async def _renew_hash(self, user: User, password: str) -> None:
        """A hash of another cost than new ones becomes one like them."""
        if not needs_rehash(user.password, self._cost):
            return
        try:
            async with self._hashing:
                renewed = await asyncio.to_thread(hash_password, password, user.name, self._cost)
            await self._people.rehash(user, renewed)
        except (PasswordError, StoreError) as error:
            _log.warning("the password of %s keeps its old hash: %s", user.name, error)

    async def _keep(
        self, attempt: _Attempt, outcome: LoginOutcome, response: str = "", reason: str = ""
    ) -> None:
        """In the store; a store that is full keeps nobody out who could make room."""
        login = Login(
            at_ms=now_ms(),
            user=_shown(attempt),
            source_ip=attempt.address,
            user_agent=attempt.user_agent,
            outcome=outcome,
            response=response,
            reason=reason,
        )
        try:
            await self._people.add_login(login)
        except StoreError as error:
            self._tell("store", f"a login could not be kept: {error}")

    def _tell_outcome(self, attempt: _Attempt, outcome: LoginOutcome) -> None:
        if outcome == "accepted":
            _log.info("%s logged in from %s", _shown(attempt), attempt.address)
        else:
            who = _shown(attempt) or "an unknown user"
            self._tell(outcome, f"a login of {who} from {attempt.address} was {outcome}")

    def _tell(self, key: str, text: str) -> None:
        if self._told.allows(key):
            _log.warning("%s", text)

    def _count(self, result: Outcome) -> None:
        self._logins.labels(result).inc()


def _shown(attempt: _Attempt) -> str:
    return attempt.user.name if attempt.user else ""
