"""The service behind every path: takes events, judges, answers, remembers, notifies."""

import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from tools.sandbox.guardiankey.accounts import Account, Accounts
from tools.sandbox.guardiankey.answers import check_answer, event_answer, notification
from tools.sandbox.guardiankey.envelope import Opened, open_datagram, open_v1, open_v2
from tools.sandbox.guardiankey.event import LATE_S, LIVE_S, Attempt, read_event, read_gktinc
from tools.sandbox.guardiankey.refusal import Refusal
from tools.sandbox.guardiankey.repeats import Repeats
from tools.sandbox.guardiankey.risk import Risk
from tools.sandbox.guardiankey.webhooks import Webhooks
from tools.sandbox.inbox import Inbox

_MAX_JUDGED = 100_000
_NO_SUCH_EVENT = {"return": "invalid event or token"}


class Taken(msgspec.Struct, frozen=True):
    """An event that was taken; `event` as the client made it, `response` as it was judged."""

    path: str
    transport: str
    auth_group_id: str
    event: dict[str, object]
    response: str
    repeated: bool


class Refused(msgspec.Struct, frozen=True):
    """A request or datagram that was refused."""

    path: str
    transport: str
    status: int
    error: str


@dataclass(frozen=True)
class _Judged:
    account: Account
    attempt: Attempt
    event_token: str


class GuardianKey:
    """The state of the service; `now`: a clock that stands still, Unix seconds."""

    def __init__(self, accounts: Iterable[Account] = (), now: int | None = None) -> None:
        self.accounts = Accounts()
        self.risk = Risk()
        self.inbox: Inbox[Taken] = Inbox()
        self.refused: Inbox[Refused] = Inbox(limit=10_000)
        self.webhooks = Webhooks()
        self._now = now
        self._repeats = Repeats()
        self._judged: OrderedDict[str, _Judged] = OrderedDict()
        for account in accounts:
            self.accounts.add(account)
            for user in account.blocked_users:
                self.risk.block(account.auth_group_id, user)

    def now(self) -> int:
        return int(time.time()) if self._now is None else self._now

    def take_event(self, path: str, transport: str, content: bytes) -> dict[str, str]:
        """The answer to an event that came to this path (for the collector "udp"), or Refusal."""
        try:
            match path:
                case "/checkaccess" | "/sendevent":
                    opened = open_v1(content, self.accounts)
                case "udp":
                    opened = open_datagram(content, self.accounts)
                case _:
                    opened = open_v2(content, self.accounts)
            attempt = self._read(path, opened)
        except Refusal as refusal:
            refused = Refused(path, transport, refusal.status, str(refusal))
            self.refused.add(refused, len(content))
            raise
        return self._judge(path, transport, opened, attempt, len(content))

    def get_event(self, event_id: str, token: str) -> dict[str, str]:
        """What is known of a judged event, for who has its token."""
        judged = self._find(event_id, token)
        return event_answer(judged.attempt) if judged else _NO_SUCH_EVENT

    def resolve_event(self, event_id: str, token: str, action: str) -> dict[str, str]:
        """GOOD: its address is the user's. BAD: its user is blocked, until an event is GOOD."""
        judged = self._find(event_id, token)
        if judged is None:
            return _NO_SUCH_EVENT
        if action not in ("GOOD", "BAD"):
            raise Refusal(400, "action", 'must be "GOOD" or "BAD"')
        group, user = judged.account.auth_group_id, judged.attempt.user
        self.risk.block(group, user, action == "BAD")
        if action == "GOOD":
            self.risk.learn(group, user, judged.attempt.address)
        return {"result": "resolved"}

    def _read(self, path: str, opened: Opened) -> Attempt:
        if path == "/v2/checkgktinc":
            return read_gktinc(opened.event, opened.account, self.now())
        past_s = LIVE_S if path.endswith("/checkaccess") else LATE_S
        return read_event(opened.event, opened.account, self.now(), past_s)

    def _judge(
        self, path: str, transport: str, opened: Opened, attempt: Attempt, size: int
    ) -> dict[str, str]:
        group = opened.account.auth_group_id
        repeated = self._repeats.seen(opened, attempt)
        judgement = self.risk.judge(
            group, attempt.user, attempt.address, attempt.failed, attempt.time
        )
        event_id, event_token = secrets.token_hex(32), secrets.token_hex(32)
        self._judged[event_id] = _Judged(opened.account, attempt, event_token)
        if len(self._judged) > _MAX_JUDGED:
            self._judged.popitem(last=False)
        answer = check_answer(attempt, judgement, event_id, event_token)
        taken = Taken(path, transport, group, opened.event, judgement.response, repeated)
        self.inbox.add(taken, size)
        if judgement.response != "ACCEPT":
            self.webhooks.send(
                opened.account, notification(opened.account, attempt, answer, self.now())
            )
        return answer

    def _find(self, event_id: str, token: str) -> _Judged | None:
        judged = self._judged.get(event_id)
        if judged and hmac.compare_digest(judged.event_token.encode(), token.encode()):
            return judged
        return None
