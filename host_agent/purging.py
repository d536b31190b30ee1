"""What GuardianKey said, commands and logins leave the store after a while."""

import asyncio
import logging
from typing import NoReturn

from host_agent.clock import PurgeClock
from host_agent.store import Store, StoreError

_EVERY_S = 3600.0
_DAY_MS = 86_400_000

_log = logging.getLogger(__name__)


async def purge_old(store: Store, keep_days: int) -> NoReturn:
    """Delete attempts, notifications, commands and logins older than that, now and every hour."""
    clock = PurgeClock()
    while True:
        before_ms = clock.now_ms() - keep_days * _DAY_MS
        try:
            await store.purge_guardiankey(before_ms)
            await store.commands.purge(before_ms)
            await store.people.purge_logins(before_ms)
        except StoreError as error:
            _log.warning("old attempts, commands and logins cannot be purged: %s", error)
        await asyncio.sleep(_EVERY_S)
