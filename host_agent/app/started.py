"""What an app asked for is under way at once, whoever waits for it."""

import asyncio
import concurrent.futures
import logging
from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

from host_agent.app.errors import AppError
from host_agent.text import printable

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Started(Generic[T]):
    """Work on the agent's loop, begun when it was asked for. `await` it in an async handler, call
    `result()` in a sync one; if nobody does, a failure goes to the log."""

    def __init__(
        self, what: str, work: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop
    ) -> None:
        """`loop` is the agent's; from any thread. `what` is for the log."""
        self._what = what
        self._awaited = False
        self._future = asyncio.run_coroutine_threadsafe(work, loop)
        self._future.add_done_callback(self._done)

    def __await__(self) -> Generator[Any, None, T]:
        self._awaited = True
        return asyncio.wrap_future(self._future).__await__()

    def result(self) -> T:
        """Wait for it, in a thread of its own such as that of a sync handler."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self._awaited = True
            return self._future.result()
        raise AppError("an async handler must not block: write `await` instead of `.result()`")

    def _done(self, future: "concurrent.futures.Future[T]") -> None:
        if future.cancelled() or self._awaited:
            return
        if error := future.exception():
            _log.warning("%s failed: %s", printable(self._what), printable(error))
