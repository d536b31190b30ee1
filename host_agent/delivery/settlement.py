"""Outcomes on their way into the store: those of the moment share one operation."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TypeAlias

from host_agent.store import Dead, Delivered, Retry, Store, StoreDamaged, StoreError

_log = logging.getLogger(__name__)

Outcome: TypeAlias = Delivered | Retry | Dead

STORE_RETRY_S = 1.0
"""When a failing store is asked again."""


class Settlement:
    """Records outcomes in batches, one after the other, until `finish`."""

    def __init__(self, store: Store, on_settled: Callable[[Sequence[Outcome]], None]) -> None:
        self.unrecorded = 0
        """Outcomes that the store does not have yet: what a crash would send again."""
        self._store = store
        self._on_settled = on_settled
        self._outcomes: list[Outcome] = []
        self._wake = asyncio.Event()
        self._finishing = False

    def add(self, outcome: Outcome) -> None:
        """An event's outcome, to be recorded soon."""
        self._outcomes.append(outcome)
        self.unrecorded += 1
        self._wake.set()

    def finish(self) -> None:
        """Let `run` end once everything added is recorded, or cannot be."""
        self._finishing = True
        self._wake.set()

    async def run(self) -> None:
        """Raises StoreDamaged."""
        while self._outcomes or not self._finishing:
            await self._wake.wait()
            self._wake.clear()
            outcomes, self._outcomes = self._outcomes, []
            if outcomes:
                await self._record(outcomes)
                self.unrecorded -= len(outcomes)
                self._on_settled(outcomes)

    async def _record(self, outcomes: list[Outcome]) -> None:
        """Insist; when finishing, try once: at worst the events are sent again."""
        failing = False
        while True:
            try:
                await self._store.settle(outcomes)
            except StoreDamaged:
                raise
            except StoreError as error:
                if not failing:
                    _log.warning("outcomes of deliveries cannot be recorded: %s", error)
                failing = True
                if self._finishing:
                    return
                await asyncio.sleep(STORE_RETRY_S)
            else:
                if failing:
                    _log.info("outcomes of deliveries are recorded again")
                return
