"""What a notification may do to doors: put them into lockdown, until a person releases them."""

import logging
from collections.abc import Collection
from dataclasses import dataclass

from host_agent.access import EVERY_DOOR
from host_agent.guardiankey import Notification
from host_agent.store import Store

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Lockdown:
    """A notification with one of `responses` locks `devices` down: names, or EVERY_DOOR."""

    responses: Collection[str]
    devices: Collection[str]

    def called_for(self, notification: Notification) -> Collection[str]:
        """The devices that the notification locks down."""
        return self.devices if notification.response in self.responses else ()

    def tell(self, notification: Notification, locked: Collection[str]) -> None:
        """Log that a notification which called for a lockdown led to that of `locked`."""
        _log.warning(
            "lockdown of %s: GuardianKey's notification of event %s says %s",
            ", ".join(locked) or "no door",
            notification.event_id,
            notification.response,
        )
        if missing := set(self.devices) - {EVERY_DOOR, *locked}:
            _log.error(
                "[guardiankey] lockdown_devices: there is no device %s; nothing was locked there",
                ", ".join(sorted(missing)),
            )

    def unknown(self, store: Store) -> list[str]:
        """Named devices that are not there."""
        names = set(self.devices) - {EVERY_DOOR}
        return sorted(name for name in names if store.device(name) is None)
