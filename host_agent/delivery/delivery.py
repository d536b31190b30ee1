"""From the store to SecuriThings: at least once, in order per device, with a stable EXT_EVT_ID."""

import asyncio
import logging
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from prometheus_client import Counter

from host_agent.clock import PurgeClock, now_ms
from host_agent.delivery.client import Answer, Client, NoAnswer
from host_agent.delivery.gate import Gate
from host_agent.delivery.judgement import Fate, failed, fate, longest_pause_s
from host_agent.delivery.lanes import Lane, Lanes
from host_agent.delivery.request import request_body
from host_agent.delivery.settings import DeliverySettings, Endpoint
from host_agent.delivery.settlement import STORE_RETRY_S, Outcome, Settlement
from host_agent.metrics import Metrics
from host_agent.securithings import SecuriThingsError
from host_agent.store import Dead, Delivered, Outgoing, Retry, Store, StoreError

_log = logging.getLogger(__name__)

_UNRECORDED_MAX = 4096  # outcomes not yet in the store: what a crash would send again
_PURGE_EVERY_S = 3600.0
_DAY_MS = 86_400_000


class Delivery:
    """Sends pending events until `stop`. An event that fails holds up its own device only."""

    def __init__(
        self, store: Store, settings: DeliverySettings, endpoint: Endpoint, metrics: Metrics
    ) -> None:
        self._store = store
        self._settings = settings
        self._endpoint = endpoint
        self._delivery_seconds = metrics.delivery_seconds
        self._counters: dict[type[Outcome | None], Counter] = {
            Delivered: metrics.deliveries.labels(Fate.DELIVERED.value),
            Retry: metrics.deliveries.labels(Fate.RETRY.value),
            Dead: metrics.deliveries.labels(Fate.DEAD.value),
            type(None): metrics.deliveries.labels(Fate.REFUSED.value),
        }
        self._gate = Gate(settings, metrics)
        self._lanes = Lanes(store)
        self._workers: set[asyncio.Task[None]] = set()
        self._reopening: asyncio.TimerHandle | None = None
        self._settlement = Settlement(store, self._settled)
        self._store_retry: asyncio.TimerHandle | None = None
        self._stopping = asyncio.Event()
        self._drain_s = 0.0
        self._failures_logged: set[type[Exception]] = set()
        self._ended = asyncio.Event()
        self._ended.set()

    @property
    def paused(self) -> str | None:
        """Why nothing is delivered until a person mends the credentials, if so."""
        return self._gate.paused

    async def run(self) -> None:
        """Deliver until `stop`. Raises StoreDamaged if outcomes can never be recorded again."""
        self._loop = asyncio.get_running_loop()
        self._ended.clear()
        self._store.on_accepted.append(self._offer)
        self._store.on_retried.append(self._on_retried)
        try:
            async with Client(self._endpoint, self._settings) as self._client:
                await self._run_tasks()
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
        finally:
            self._store.on_accepted.remove(self._offer)
            self._store.on_retried.remove(self._on_retried)
            self._ended.set()

    async def stop(self, drain_s: float) -> None:
        """Start no more requests, give those under way `drain_s` to finish, and end `run`."""
        self._drain_s = drain_s
        self._stopping.set()
        await self._ended.wait()

    async def _run_tasks(self) -> None:
        async with asyncio.TaskGroup() as self._tasks:
            self._tasks.create_task(self._settlement.run())
            purging = self._tasks.create_task(self._purge_at_times())
            self._reread()
            try:
                await self._stopping.wait()
            finally:
                self._stopping.set()
            await self._finish_requests()
            self._settlement.finish()
            purging.cancel()

    async def _finish_requests(self) -> None:
        if self._workers:
            _, late = await asyncio.wait(self._workers, timeout=self._drain_s)
            for worker in late:
                worker.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    # What is to be sent

    def _offer(self, events: Sequence[Outgoing]) -> None:
        self._lanes.offer(events)
        self._pump()

    def _on_retried(self) -> None:
        """In the store's thread."""
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._reread)

    def _reread(self) -> None:
        try:
            self._lanes.reread()
        except StoreError as error:
            self._read_later(error, self._reread)
        self._pump()

    def _pump(self) -> None:
        """Start as many requests as may be under way."""
        while len(self._workers) < self._width() and (lane := self._take()):
            worker = self._tasks.create_task(self._work(lane))
            self._workers.add(worker)
            worker.add_done_callback(self._worker_ended)
        self._look_again_when_open()

    def _width(self) -> int:
        if self._stopping.is_set() or self._settlement.unrecorded > _UNRECORDED_MAX:
            return 0
        return self._gate.width(self._loop.time())

    def _look_again_when_open(self) -> None:
        if self._stopping.is_set() or self._reopening:
            return
        if not self._gate.width(self._loop.time()):
            self._reopening = self._loop.call_at(self._gate.opens_at(), self._reopen)

    def _reopen(self) -> None:
        self._reopening = None
        self._pump()

    def _take(self) -> Lane | None:
        """The next lane whose event is due; lanes whose event is not wait for it."""
        if self._store_retry:
            return None
        try:
            while lane := self._lanes.next():
                delay_s = self._delay_s(lane.head)
                if delay_s <= 0:
                    return lane
                self._loop.call_later(delay_s, self._wake, lane)
        except StoreError as error:
            self._read_later(error, self._pump)
        return None

    def _delay_s(self, event: Outgoing | None) -> float:
        """Until the event is due. Farther off than any schedule: the clock was set back."""
        delay_s = (event.next_ms - now_ms()) / 1000 if event else 0.0
        return delay_s if delay_s <= longest_pause_s(self._settings) else 0.0

    def _read_later(self, error: StoreError, action: Callable[[], None]) -> None:
        _log.warning("pending events cannot be read: %s", error)

        def retry() -> None:
            self._store_retry = None
            action()

        self._store_retry = self._loop.call_later(STORE_RETRY_S, retry)

    def _wake(self, lane: Lane) -> None:
        """Its event has waited, whatever the clock says by now: it may have been set."""
        if lane.head:
            lane.head = replace(lane.head, next_ms=0)
        self._lanes.give_back(lane)
        self._pump()

    # Sending

    async def _work(self, lane: Lane | None) -> None:
        while lane and lane.head:
            await self._attempt(lane, lane.head)
            lane = self._take() if len(self._workers) <= self._width() else None

    def _worker_ended(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        if not self._stopping.is_set() and not worker.cancelled() and not worker.exception():
            self._pump()

    async def _attempt(self, lane: Lane, event: Outgoing) -> None:
        try:
            outcome = await self._send(event)
        except Exception as error:  # noqa: BLE001  one event must not end the delivery of all
            reason = f"the agent failed with {type(error).__name__}"
            self._log_failure(error)
            outcome = failed(event, reason, now_ms(), self._settings)
        self._conclude(lane, event, outcome)

    async def _send(self, event: Outgoing) -> Outcome | None:
        """One attempt; None if the answer says nothing about the event."""
        try:
            body = request_body(event)
        except (SecuriThingsError, ValueError, TypeError) as error:
            return Dead(event.id, f"cannot be sent: {error}")
        probing = self._gate.paused is not None
        started = time.perf_counter()
        answer = await self._client.post(body)
        self._delivery_seconds.observe(time.perf_counter() - started)
        return self._judge(event, answer, probing)

    def _log_failure(self, error: Exception) -> None:
        """Each kind of error once, without its message: that may hold anything."""
        if type(error) in self._failures_logged:
            return
        self._failures_logged.add(type(error))
        frames = "".join(traceback.format_tb(error.__traceback__))
        _log.error("an event could not be sent: %s\n%s", type(error).__name__, frames)

    def _judge(self, event: Outgoing, answer: Answer | NoAnswer, probing: bool) -> Outcome | None:
        """What becomes of the event; None if the answer says nothing about it."""
        now = self._loop.time()
        if isinstance(answer, NoAnswer):
            self._gate.failed(now, answer.reason)
            return failed(event, answer.reason, now_ms(), self._settings)
        reason = f"HTTP {answer.status} {answer.excerpt}".rstrip()
        match fate(answer.status):
            case Fate.DELIVERED:
                self._gate.answered(probing)
                return Delivered(event.id, now_ms())
            case Fate.DEAD:
                self._gate.answered(probing)
                return Dead(event.id, reason)
            case Fate.REFUSED:
                self._gate.refused(now, answer.status)
                return None
            case Fate.RETRY:
                self._gate.failed(now, reason)
                self._gate.hold(now, answer.retry_after_s)
                return failed(event, reason, now_ms(), self._settings, answer.retry_after_s)

    def _conclude(self, lane: Lane, event: Outgoing, outcome: Outcome | None) -> None:
        if isinstance(outcome, Retry):
            lane.head = replace(
                event,
                attempts=outcome.attempts,
                first_attempt_ms=outcome.first_attempt_ms,
                next_ms=outcome.next_ms,
            )
            self._loop.call_later(self._delay_s(lane.head), self._wake, lane)
        else:
            if outcome is not None:
                lane.head = None
            self._lanes.give_back(lane)
        self._counters[type(outcome)].inc()
        if outcome is not None:
            self._settlement.add(outcome)

    def _settled(self, outcomes: Sequence[Outcome]) -> None:
        self._lanes.settled(outcome.id for outcome in outcomes if not isinstance(outcome, Retry))
        self._pump()

    async def _purge_at_times(self) -> None:
        clock = PurgeClock()
        while True:
            try:
                await self._purge(clock.now_ms())
            except StoreError as error:
                _log.warning("old events cannot be purged: %s", error)
            await asyncio.sleep(_PURGE_EVERY_S)

    async def _purge(self, now: int) -> None:
        keep_days, keep_dead_days = self._settings.keep_days, self._settings.keep_dead_days
        await self._store.purge("delivered", now - keep_days * _DAY_MS)
        dead = await self._store.purge("dead", now - keep_dead_days * _DAY_MS)
        if dead:
            _log.info("%d dead letters older than %d days were deleted", dead, keep_dead_days)
