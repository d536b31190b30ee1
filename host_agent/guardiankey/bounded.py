"""Calls that may hang (name look-ups, whole requests), each in a thread, left alone when late."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from host_agent.guardiankey.forking import renew_in_children

Result = TypeVar("Result")


class Bounded:
    """At most `limit` such calls at once; its threads never keep the interpreter from ending."""

    def __init__(self, limit: int, name: str) -> None:
        self._limit = limit
        self._name = name
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """In a forked child, where none of the threads is."""
        self._free = threading.BoundedSemaphore(self._limit)

    def run(self, work: Callable[[], Result], within_s: float) -> Result:
        """What `work` returns or raises; TimeoutError after `within_s`, with `work` going on."""
        deadline = time.monotonic() + within_s
        free = self._free
        if not free.acquire(timeout=max(within_s, 0)):
            raise TimeoutError("timed out: too many calls under way")
        outcome: Future[Result] = Future()
        thread = threading.Thread(
            target=self._call, args=(work, outcome, free), name=self._name, daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            free.release()
            raise
        return outcome.result(timeout=max(deadline - time.monotonic(), 0))

    def _call(
        self,
        work: Callable[[], Result],
        outcome: "Future[Result]",
        free: threading.BoundedSemaphore,
    ) -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001  for the caller to handle
            outcome.set_exception(error)
        else:
            outcome.set_result(result)
        finally:
            free.release()
