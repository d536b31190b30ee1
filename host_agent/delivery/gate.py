"""Whether requests may go out now: the endpoint can ask for time, or refuse the credentials."""

import logging

from host_agent.delivery.settings import DeliverySettings
from host_agent.metrics import Metrics

_log = logging.getLogger(__name__)

_QUIET_S = 60.0


class Gate:
    """Knows the endpoint's state and logs its changes. `now` is the event loop's clock."""

    def __init__(self, settings: DeliverySettings, metrics: Metrics) -> None:
        self.paused: str | None = None
        """Why nothing goes out until a person mends the credentials, if so."""
        self._settings = settings
        self._metrics = metrics
        self._held_until = 0.0
        self._probe_at = 0.0
        self._trouble_logged = False
        self._trouble_logged_at = -_QUIET_S

    def width(self, now: float) -> int:
        """How many requests may be under way."""
        if now < self._held_until:
            return 0
        if self.paused:
            return 1 if now >= self._probe_at else 0
        return self._settings.concurrency

    def opens_at(self) -> float:
        """When to look again, if the width was 0."""
        return max(self._held_until, self._probe_at if self.paused else 0.0)

    def hold(self, now: float, seconds: float) -> None:
        """The endpoint asks for a rest, with Retry-After."""
        self._held_until = max(self._held_until, now + seconds)

    def refused(self, now: float, status: int) -> None:
        """The endpoint refuses the credentials."""
        self._probe_at = now + self._settings.probe_s
        if self.paused:
            return
        self.paused = (
            f"SecuriThings refuses the credentials (HTTP {status}); check api_key and api_secret"
        )
        self._metrics.delivery_paused.set(1)
        _log.error(
            "delivery is paused: %s; trying again every %g s", self.paused, self._settings.probe_s
        )

    def failed(self, now: float, reason: str) -> None:
        """No answer, or one that may heal."""
        self._probe_at = now + self._settings.probe_s
        if not self._trouble_logged and now - self._trouble_logged_at >= _QUIET_S:
            self._trouble_logged = True
            self._trouble_logged_at = now
            _log.warning("SecuriThings does not take events (%s); they wait in the store", reason)

    def answered(self, probing: bool) -> None:
        """The endpoint judged an event by itself. A request from before the pause proves nothing
        about the credentials, hence `probing`."""
        if self._trouble_logged:
            self._trouble_logged = False
            _log.info("SecuriThings takes events again")
        if self.paused and probing:
            self.paused = None
            self._metrics.delivery_paused.set(0)
            _log.info("delivery goes on: SecuriThings accepts the credentials")
