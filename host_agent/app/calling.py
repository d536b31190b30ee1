"""Calls of an app's handler: whatever it does, the agent goes on."""

import asyncio
import inspect
import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import CoroutineType, FrameType
from typing import Any, TypeAlias

from host_agent.text import printable
from host_agent.throttle import Throttle

HANDLER_S = 10.0
MAX_HANGING = 64
"""Calls that nobody waits for any more: a thread cannot be ended."""
_TELL_EVERY_S = 1.0
_MAX_LINES = 40
_MAX_COLUMNS = 300

_Outcome: TypeAlias = tuple[Any, BaseException | None]

_log = logging.getLogger(__name__)


class HandlerFailed(Exception):
    """It raised."""


class HandlerHung(Exception):
    """It did not return in time; a coroutine is cancelled, a thread left alone."""


class HandlerBusy(Exception):
    """It was not called: too many calls hang already."""


class Handler:
    """A function of an app, with its log: failures of a moment share one message."""

    def __init__(self, function: Callable[..., object], what: str, within_s: float = HANDLER_S):
        """`what` names the handler in messages."""
        self._function = function
        self._what = what
        self._within_s = within_s
        self._is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
            getattr(function, "__call__", None)  # noqa: B004  its kind, not whether it has one
        )
        self._hanging = 0
        self._told = Throttle(_TELL_EVERY_S)
        self._untold = 0

    async def call(self, argument: object) -> Any:
        """What it returns. Raises HandlerFailed, HandlerHung or HandlerBusy, which are told."""
        if self._hanging >= MAX_HANGING:
            self.tell("is not called", f"{MAX_HANGING} calls of it hang")
            raise HandlerBusy
        call = _Call(self._function, argument, self._is_async)
        task = asyncio.create_task(call.run())
        try:
            done, _ = await asyncio.wait([task], timeout=self._within_s)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not done:
            self.tell(f"did not return in {self._within_s:g} s", call.where())
            self._abandon(task)
            raise HandlerHung
        result, error = task.result()
        if error is not None:
            self.tell("failed", _traceback(error))
            raise HandlerFailed from error
        return result

    def tell(self, problem: str, detail: str) -> None:
        """Warn that the handler has a problem."""
        if not self._told.allows(""):
            self._untold += 1
            return
        more = f" ({self._untold} such problems were not told)" if self._untold else ""
        self._untold = 0
        _log.error("%s %s%s\n%s", self._what, problem, more, _quoted(detail))

    def _abandon(self, task: "asyncio.Task[_Outcome]") -> None:
        self._hanging += 1
        task.add_done_callback(self._returned)
        if self._is_async:
            task.cancel()

    def _returned(self, _: object) -> None:
        self._hanging -= 1


class _Call:
    """One call, in the loop or in a thread. Its task never raises, not even SystemExit."""

    def __init__(self, function: Callable[..., object], argument: object, is_async: bool) -> None:
        self._function = function
        self._argument = argument
        self._is_async = is_async
        self._awaited: object = None
        self._thread: threading.Thread | None = None

    async def run(self) -> _Outcome:
        try:
            if self._is_async:
                result = self._function(self._argument)
            else:
                result, error = await self._in_thread()
                if error is not None:
                    return None, error
            if inspect.isawaitable(result):
                self._awaited = result
                result = await result
        except BaseException as error:  # noqa: BLE001  an app must not end the agent
            return None, error
        return result, None

    def _in_thread(self) -> "asyncio.Future[_Outcome]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_Outcome] = loop.create_future()

        def work() -> None:
            outcome: _Outcome
            try:
                outcome = self._function(self._argument), None
            except BaseException as error:  # noqa: BLE001  as above
                outcome = None, error
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(settle, outcome)

        def settle(outcome: _Outcome) -> None:
            if not future.done():
                future.set_result(outcome)

        self._thread = threading.Thread(target=work, name="handler", daemon=True)
        self._thread.start()
        return future

    def where(self) -> str:
        """The lines that it hangs at, outermost first."""
        frames = self._coroutine_frames() if self._awaited is not None else self._thread_frames()
        stack = traceback.StackSummary.extract(
            (frame, frame.f_lineno) for frame in frames if not _is_ours(frame)
        )
        return "".join(stack.format())

    def _coroutine_frames(self) -> Iterator[FrameType]:
        waiting = self._awaited
        while isinstance(waiting, CoroutineType) and waiting.cr_frame is not None:
            yield waiting.cr_frame
            waiting = waiting.cr_await

    def _thread_frames(self) -> list[FrameType]:
        thread = self._thread
        frame = sys._current_frames().get(thread.ident or 0) if thread else None
        frames: list[FrameType] = []
        while frame is not None and not _is_ours(frame):
            frames.insert(0, frame)
            frame = frame.f_back
        return frames


def _is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename == __file__


def _traceback(error: BaseException) -> str:
    """From where the app begins."""
    trace = error.__traceback__
    while trace is not None and _is_ours(trace.tb_frame):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))


def _quoted(text: str) -> str:
    """Indented, control characters escaped: what a device or a stranger sent may be in the text of
    an error, and must not look like a line of the log."""
    lines = [f"    {printable(line)[:_MAX_COLUMNS]}" for line in text.splitlines()]
    return "\n".join(lines[-_MAX_LINES:])
