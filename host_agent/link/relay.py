"""From a board to GuardianKey and back: an attempt goes out once, its verdict is kept before it is
told, and a repeated attempt is answered from what was kept (DESIGN section 6).

The agent has no key for the message; it is trusted with the verdict.
"""

import asyncio
import hashlib
import logging
import time
from collections import Counter
from dataclasses import replace
from typing import NamedTuple

import msgspec

from host_agent.clock import now_ms
from host_agent.guardiankey.aio import Api
from host_agent.metrics import Metrics
from host_agent.store import Attempt, AttemptVerdict, BadAttempt, Store, StoreError
from host_agent.throttle import Throttle

CALL_S = 3.0
"""GuardianKey's time for one attempt; a board waits 4 s in all."""
MAX_IN_FLIGHT = 64
MAX_OF_A_DEVICE = 4
"""Of those; so one board cannot take all places."""
MAX_REASON = 100
"""Characters of a reason in a reply."""
_WARN_EVERY_S = 60

_log = logging.getLogger(__name__)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a reply tells of an attempt. `response` is GuardianKey's, SENT for a late attempt that
    it took, or ERROR with a `reason`: with `retry` the board sends it again, as a late one."""

    id: int
    response: str
    reason: str | msgspec.UnsetType = msgspec.UNSET
    retry: bool = False


class _Key(NamedTuple):
    device: str
    attempt: int
    digest: bytes
    """SHA-256 of `<group>|<message>`; a group has no "|" in it."""


class Relay:
    """Hands attempts to `api`. Belongs to one event loop."""

    def __init__(
        self,
        api: Api,
        store: Store,
        metrics: Metrics,
        *,
        call_s: float = CALL_S,
        max_in_flight: int = MAX_IN_FLIGHT,
        max_of_a_device: int = MAX_OF_A_DEVICE,
    ) -> None:
        self._api = api
        self._store = store
        self._metrics = metrics
        self._call_s = call_s
        self._max_in_flight = max_in_flight
        self._max_of_a_device = max_of_a_device
        self._calls: dict[_Key, asyncio.Task[AttemptVerdict]] = {}
        self._of_device: Counter[str] = Counter()
        self._warnings = Throttle(_WARN_EVERY_S)
        self.failing: str | None = None
        """Why GuardianKey could not be asked the last time that any attempt came, if so."""

    @property
    def in_flight(self) -> int:
        """How many attempts GuardianKey is judging."""
        return len(self._calls)

    async def judge(self, device: str, attempt: Attempt | BadAttempt) -> Verdict | None:
        """The verdict on an attempt whose frame is durable; None if it has no id to tell it by."""
        if isinstance(attempt, BadAttempt):
            self._count("malformed")
            self._warn(device, f"its attempt is malformed: {attempt.reason}")
            return None if attempt.id is None else _refusal(attempt.id, attempt.reason)
        key = _key(device, attempt)
        call = self._calls.get(key)
        if call:
            self._count("repeated")
        elif known := self._known(key):
            self._count("repeated")
            return _told(known, attempt)
        elif self._no_place_for(device):
            self._count("busy")
            return _refusal(attempt.id, "too many attempts at a time", retry=True)
        else:
            call = self._start(key, attempt)
        # Shielded: others may wait for it too, and the verdict is to be kept in any case.
        return _told(await asyncio.shield(call), attempt)

    async def stop(self) -> None:
        """Let the calls under way end and their verdicts be kept."""
        await asyncio.gather(*self._calls.values(), return_exceptions=True)

    def _known(self, key: _Key) -> AttemptVerdict | None:
        """What became of the attempt before, unless GuardianKey has not taken it."""
        try:
            found = self._store.verdict(*key)
        except StoreError as error:
            _log.error("kept verdicts cannot be read: %s", error)
            return None
        return None if found is None or found.retry else found

    def _no_place_for(self, device: str) -> bool:
        if len(self._calls) >= self._max_in_flight:
            return True
        return self._of_device[device] >= self._max_of_a_device

    def _start(self, key: _Key, attempt: Attempt) -> "asyncio.Task[AttemptVerdict]":
        call = asyncio.create_task(self._call(key, attempt))
        self._calls[key] = call
        self._of_device[key.device] += 1
        call.add_done_callback(lambda _: self._ended(key))
        return call

    def _ended(self, key: _Key) -> None:
        del self._calls[key]
        self._of_device[key.device] -= 1
        if not self._of_device[key.device]:
            del self._of_device[key.device]

    async def _call(self, key: _Key, attempt: Attempt) -> AttemptVerdict:
        """Ask GuardianKey, and keep what it says."""
        received_ms, started = now_ms(), time.perf_counter()
        outcome = await _asked(self._api, attempt, key.digest, self._call_s)
        took_s = time.perf_counter() - started
        outcome = replace(outcome, received_ms=received_ms, took_ms=round(took_s * 1000))
        self._metrics.relay_seconds.observe(took_s)
        self._count(outcome.response.lower())
        self._tell(key.device, outcome)
        try:
            await self._store.record_verdict(key.device, outcome)
        except Exception as error:  # noqa: BLE001  somebody stands at the door
            # Only if the reply gets lost too, GuardianKey is asked twice.
            defect = None if isinstance(error, StoreError) else error
            _log.error("a verdict for %s could not be kept: %s", key.device, error, exc_info=defect)
        return outcome

    def _tell(self, device: str, outcome: AttemptVerdict) -> None:
        _log.info("%s: attempt %d: %s", device, outcome.attempt, outcome.response)
        if outcome.retry and not self.failing:
            _log.error("GuardianKey cannot be asked: %s", outcome.reason)
        elif self.failing and not outcome.retry:
            _log.info("GuardianKey answers again")
        elif outcome.response == "ERROR" and not outcome.retry:
            self._warn(device, f"GuardianKey gives no verdict: {outcome.reason}")
        self.failing = outcome.reason if outcome.retry else None

    def _warn(self, device: str, problem: str) -> None:
        if self._warnings.allows(device):
            _log.warning("%s: %s", device, problem)

    def _count(self, response: str) -> None:
        self._metrics.attempts.labels(response).inc()


def _key(device: str, attempt: Attempt) -> _Key:
    named = f"{attempt.auth_group_id}|{attempt.message}"
    return _Key(device, attempt.id, hashlib.sha256(named.encode()).digest())


async def _asked(api: Api, attempt: Attempt, digest: bytes, call_s: float) -> AttemptVerdict:
    """What GuardianKey says within `call_s`."""
    content = {"id": attempt.auth_group_id, "message": attempt.message}
    outcome = AttemptVerdict(attempt=attempt.id, digest=digest, response="ERROR", asked=attempt.ask)
    try:
        async with asyncio.timeout(call_s):
            if attempt.ask:
                verdict = await api.check("/checkaccess", content)
                return replace(
                    outcome,
                    response=verdict.response.value,
                    reason=_printable(verdict.reason),
                    retry=verdict.retry,
                    risk=verdict.risk,
                    event_id=verdict.event_id,
                    event_token=verdict.event_token,
                )
            sent = await api.send("/sendevent", content)
            response = "SENT" if sent.taken else "ERROR"
            reason = _printable(sent.reason)
            return replace(outcome, response=response, reason=reason, retry=sent.retry)
    except TimeoutError:
        return replace(outcome, reason="GuardianKey did not answer in time", retry=True)
    except Exception as error:  # noqa: BLE001  the events beside it must be answered
        _log.error("the relay failed", exc_info=error)
        return replace(outcome, reason=f"the agent failed ({type(error).__name__})")


def _told(outcome: AttemptVerdict, attempt: Attempt) -> Verdict:
    """A late attempt needs no judgement: that it was asked before means that it was taken."""
    if outcome.response == "ERROR":
        return _refusal(attempt.id, outcome.reason, outcome.retry)
    return Verdict(id=attempt.id, response=outcome.response if attempt.ask else "SENT")


def _refusal(attempt: int, reason: str, retry: bool = False) -> Verdict:
    return Verdict(id=attempt, response="ERROR", reason=_printable(reason), retry=retry)


def _printable(reason: str) -> str:
    """Short, so that the reply fits into a board's frame."""
    return reason.encode("ascii", "replace").decode()[:MAX_REASON]
