"""What a notification may do to doors: put them into lockdown, until a person releases them."""

import asyncio
import logging
from collections.abc import Collection

from host_agent.config import EVERY_DOOR
from host_agent.guardiankey import Notification
from host_agent.store import Store, UnknownDevice

_log = logging.getLogger(__name__)


class Lockdown:
    """Locks `devices` (names, or EVERY_DOOR) down on a notification with one of `responses`."""

    def __init__(self, store: Store, responses: Collection[str], devices: Collection[str]) -> None:
        self._store = store
        self._responses = frozenset(responses)
        self._devices = tuple(devices)
        self._owed: set[str] = set()

    async def on_notification(self, notification: Notification, *, fresh: bool) -> bool:
        """Do what a fresh notification demands, durably; False if there is nothing to do for one
        that is not fresh. Raises StoreError if it cannot be done: the notification is owed a
        lockdown then, and gets it when it comes again.
        """
        if not fresh and notification.event_id not in self._owed:
            return False
        if notification.response in self._responses:
            self._owed.add(notification.event_id)
            await asyncio.to_thread(self._lock, notification)
            self._owed.discard(notification.event_id)
        return True

    def unknown(self) -> list[str]:
        """Named devices that are not there."""
        return [
            name
            for name in self._devices
            if name != EVERY_DOOR and self._store.device(name) is None
        ]

    def _lock(self, notification: Notification) -> None:
        locked = [name for name in self._doors() if self._lock_one(name)]
        _log.warning(
            "lockdown of %s: GuardianKey's notification of event %s says %s",
            ", ".join(locked) or "no door",
            notification.event_id,
            notification.response,
        )

    def _lock_one(self, name: str) -> bool:
        try:
            self._store.set_lockdown(name, True)
        except UnknownDevice:
            return False
        return True

    def _doors(self) -> list[str]:
        if EVERY_DOOR not in self._devices:
            return list(self._devices)
        names = [device.name for device in self._store.devices()]
        return [name for name in names if self._store.access(name) is not None]
