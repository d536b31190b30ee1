"""Who hears of what happens in the store."""

from collections.abc import Callable, Iterable

from host_agent.store.records import Outgoing


class Listeners:
    """Callbacks, as the properties of a Store describe them, and what they have not heard yet."""

    def __init__(self) -> None:
        self.on_accepted: list[Callable[[list[Outgoing]], None]] = []
        self.on_retried: list[Callable[[], None]] = []
        self.on_due: list[Callable[[str], None]] = []
        self.on_changed: list[Callable[[], None]] = []
        self._retried = False
        self._due: set[str] = set()
        self._changed = False

    def note(self, due: Iterable[str], retried: bool) -> None:
        """Something changed: for these devices something waits anew; dead letters may be pending
        again."""
        self._changed = True
        self._due.update(due)
        self._retried |= retried

    def announce(self) -> None:
        """Tell what was noted; after a callback that fails, all of it again."""
        if self._retried:
            for retried in self.on_retried:
                retried()
        for device in self._due:
            for due in self.on_due:
                due(device)
        if self._changed:
            for changed in self.on_changed:
                changed()
        self._retried = self._changed = False
        self._due.clear()

    def accepted(self, events: list[Outgoing]) -> None:
        """Tell, on the event loop, of events that are pending now."""
        for callback in self.on_accepted:
            callback(events)
