"""Tells messages that came before; no I/O."""

from collections import OrderedDict

from tools.sandbox.guardiankey.envelope import Opened
from tools.sandbox.guardiankey.event import Attempt


class Repeats:
    """Remembers the newest `limit` messages by their text and by their agent's sequential."""

    def __init__(self, limit: int = 100_000) -> None:
        self._limit = limit
        self._seen: OrderedDict[tuple[str, str, bytes | int], None] = OrderedDict()

    def seen(self, opened: Opened, attempt: Attempt) -> bool:
        """Whether this message, or one with its sequential, came before; remembers it."""
        source = opened.account.auth_group_id, attempt.agent_id
        marks: list[tuple[str, str, bytes | int]] = [(*source, opened.digest)]
        if attempt.sequential is not None:
            marks.append((*source, attempt.sequential))
        before = any(mark in self._seen for mark in marks)
        self._seen.update(dict.fromkeys(marks))
        while len(self._seen) > self._limit:
            self._seen.popitem(last=False)
        return before
