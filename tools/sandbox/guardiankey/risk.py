"""Which response an attempt gets: simple rules whose outcome a test can foresee; no I/O.

In this order:

| the user | response | risk |
| --- | --- | --- |
| is blocked: accounts file, /sandbox/guardiankey/blocked, resolved as BAD | BLOCK | 100 |
| failed 4 times or more within 10 minutes, this attempt included, good or not | BLOCK | 95 |
| failed the 3rd time within 10 minutes | HARD_NOTIFY | 75 |
| comes from an address that is not one of the user's | NOTIFY | 50 |
| anything else | ACCEPT | 5 |

The address of a user's first good attempt is learnt, and any that is resolved as GOOD.
"""

from collections import defaultdict, deque
from dataclasses import dataclass, field

WINDOW_S = 600
_HARD_AT = 3
_BLOCK_AT = 4


@dataclass(frozen=True)
class Judgement:
    """`risk`: 0 to 100."""

    response: str
    risk: int
    message: str


@dataclass
class _User:
    blocked: bool = False
    addresses: set[str] = field(default_factory=set)
    failures: deque[int] = field(default_factory=lambda: deque(maxlen=100))


class Risk:
    """What is known of the users of every group."""

    def __init__(self) -> None:
        self._users: defaultdict[tuple[str, str], _User] = defaultdict(_User)

    def judge(self, group: str, user: str, address: str, failed: bool, time: int) -> Judgement:
        """`time`: when the attempt was made, Unix seconds; an empty `address` is not judged."""
        known = self._users[group, user]
        if failed:
            known.failures.append(time)
        failures = sum(0 <= time - earlier < WINDOW_S for earlier in known.failures)
        if known.blocked:
            return Judgement("BLOCK", 100, "the user is blocked")
        if failures >= _BLOCK_AT:
            return Judgement("BLOCK", 95, f"{failures} failed attempts within 10 minutes")
        if failed and failures >= _HARD_AT:
            return Judgement("HARD_NOTIFY", 75, f"{failures} failed attempts within 10 minutes")
        if not known.addresses and address and not failed:
            known.addresses.add(address)
        if known.addresses and address and address not in known.addresses:
            return Judgement("NOTIFY", 50, "an address that is new for the user")
        return Judgement("ACCEPT", 5, "")

    def learn(self, group: str, user: str, address: str) -> None:
        """The address is one of the user's from now on."""
        self._users[group, user].addresses.add(address)

    def block(self, group: str, user: str, blocked: bool = True) -> None:
        self._users[group, user].blocked = blocked
