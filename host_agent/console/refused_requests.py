"""A request for a command that was refused is told to SecuriThings too: who tried, and why not."""

import time
from collections.abc import Callable

from starlette.background import BackgroundTask

from host_agent.clock import now_ms
from host_agent.commands import COMMAND_NAME
from host_agent.console.allowance import Allowance
from host_agent.metrics import Metrics
from host_agent.store import Caller, ExternalEvent, Store, StoreError

BURST = 10
"""Events of a token or user at once."""
REFILL_S = 6.0
"""After that, one more after each of these."""

_REASONS = ("forbidden", "malformed", "not_json", "too_large", "too_slow", "too_many_open")
"""As the API names them. An unknown device has no events; what else there is tells of the agent,
not of who asked."""


class RefusedRequests:
    """Belongs to the event loop; `clock` counts seconds."""

    def __init__(
        self, store: Store, metrics: Metrics, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._results = metrics.refused_requests
        self._allowance = Allowance(BURST, REFILL_S, clock)

    def task(self, device: str, command: str, caller: Caller, reason: str) -> BackgroundTask:
        """Records it once the answer is on its way, which thus never tells, not by its time
        either, whether the device exists. `caller` has a token or is a user that has logged in."""
        event = ExternalEvent(device, command, (("refused", reason),), now_ms(), caller)
        return BackgroundTask(self.record, event)

    async def record(self, event: ExternalEvent) -> None:
        """Within the limit of who asked. Of what is no command of a device that exists, or was
        refused for no reason that counts, nothing is recorded."""
        ((_, reason),) = event.params
        if reason not in _REASONS or not COMMAND_NAME.fullmatch(event.type):
            return
        if self._store.device(event.device) is None:
            return
        self._results.labels(await self._result(event)).inc()

    async def _result(self, event: ExternalEvent) -> str:
        caller = event.caller
        who = caller.api_key_id or f"user {caller.user_id}"
        if self._allowance.wait_s(who):
            return "limited"
        self._allowance.use(who)
        try:
            await self._store.add_external(event)
        except StoreError:
            return "lost"
        return "recorded"
