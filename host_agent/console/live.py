"""What pages that are open are told of: that something changed, and the flow of the last hour."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from host_agent.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Minute:
    """The events of a minute that began at `start_ms`."""

    start_ms: int
    received: int
    delivered: int
    dead: int


class Live:
    """Belongs to the event loop, except `changed`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def changed(self) -> None:
        """Something in the store changed; from any thread, cheap."""

    async def run(self) -> None:
        """Until it is cancelled."""

    def stop(self) -> None:
        """Ends every subscription, so that the listener can end."""

    def subscribe(self) -> AsyncIterator[bytes]:
        """Server-sent events, until `stop` or the client is gone."""
        raise NotImplementedError

    def minutes(self) -> list[Minute]:
        """The last 60, oldest first; the last one is not over."""
        return []
