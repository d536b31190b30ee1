"""Tells messages that came before; no I/O."""

from collections import OrderedDict

from tools.sandbox.guardiankey.envelope import Opened


class Repeats:
    """Remembers the newest `limit` messages by their text and by their group's sequential."""

    def __init__(self, limit: int = 100_000) -> None:
        self._limit = limit
        self._seen: OrderedDict[tuple[str, bytes | int], None] = OrderedDict()

    def seen(self, opened: Opened, sequential: int | None) -> bool:
        """Whether this message, or one with its sequential, came before; remembers it."""
        group = opened.account.auth_group_id
        marks: list[tuple[str, bytes | int]] = [(group, opened.digest)]
        if sequential is not None:
            marks.append((group, sequential))
        before = any(mark in self._seen for mark in marks)
        for mark in marks:
            self._seen[mark] = None
        while len(self._seen) > self._limit:
            self._seen.popitem(last=False)
        return before
