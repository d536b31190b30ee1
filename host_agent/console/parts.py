"""What the console's pages and its API work with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from argon2 import Parameters

from host_agent.console.live import Live
from host_agent.console.sessions import Sessions
from host_agent.guardiankey.aio import AsyncGuardianKey
from host_agent.metrics import Metrics
from host_agent.passwords import COST
from host_agent.store import Store


@dataclass(frozen=True)
class ConsoleParts:
    """`problems()` says why the agent does not do its whole work now; empty when it does. `host` is
    the address that the console listens on; `guardiankey` judges logins, None without an account;
    a cheaper `password_cost` than that of passwords is for tests.
    """

    store: Store
    metrics: Metrics
    problems: Callable[[], list[str]]
    host: str
    trusted_proxies: Sequence[str]
    guardiankey: AsyncGuardianKey | None
    sessions: Sessions
    live: Live
    password_cost: Parameters = field(default_factory=lambda: COST)
