"""The one thread that writes: whatever waits at a moment shares one durable commit."""

import asyncio
import concurrent.futures
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from host_agent.store.errors import StoreDamaged, StoreError
from host_agent.store.file_check import FileCheck
from host_agent.store.group import Group
from host_agent.store.listeners import Listeners
from host_agent.store.records import Limits, Outgoing
from host_agent.store.rescue import DeviceCopy
from host_agent.store.schema import explain
from host_agent.store.snapshot import Snapshot

if TYPE_CHECKING:  # the agent alone has metrics, and prometheus_client takes long to import
    from host_agent.metrics import Metrics

_log = logging.getLogger(__name__)

T = TypeVar("T")
Operation: TypeAlias = Callable[[Group], T]
"""Runs in the writer's thread, inside the transaction; may only add to the group or fail."""

_GROUP_OPERATIONS = 1000
_LOOK_AROUND_S = 0.05
"""A command waits as long before a running agent knows of it. One look takes some 20 us."""
_LOOK_AGAIN_S = 0.5
"""After a look that failed."""
_COPY_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class _Job:
    operation: Operation[Any]
    future: "asyncio.Future[Any] | concurrent.futures.Future[Any]"


_Answer: TypeAlias = tuple[Any, Exception | None]


class Writer:
    """Owns the writing connection, and the snapshot that it keeps true."""

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        copy: DeviceCopy,
        limits: Limits,
        metrics: "Metrics | None",
    ) -> None:
        self.snapshot = Snapshot(connection)
        self.listeners = Listeners()
        self.damage: StoreDamaged | None = None
        self._path = path
        self._connection = connection
        self._copy = copy
        self._limits = limits
        self._metrics = metrics
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._door = threading.Lock()
        self._closed = False
        self._copy_stale = False
        self._copy_due = 0.0
        self._file = FileCheck(path)
        self._look_failed = False
        self._look_s = _LOOK_AROUND_S
        self._thread = threading.Thread(target=self._run, name="store writer", daemon=True)
        self._thread.start()

    async def run(self, operation: Operation[T]) -> T:
        """The operation's result once its group is on disk."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._submit(_Job(operation, future))
        return await future

    def call(self, operation: Operation[T]) -> T:
        """The same, blocking."""
        future: concurrent.futures.Future[T] = concurrent.futures.Future()
        self._submit(_Job(operation, future))
        return future.result()

    def close(self) -> None:
        """Finish what was submitted, then end the thread and close the connection."""
        with self._door:
            if self._closed:
                return
            self._closed = True
            self._jobs.put(None)
        self._thread.join()
        self._connection.close()

    def _submit(self, job: _Job) -> None:
        with self._door:
            if self._closed:
                raise StoreError(f"the store {self._path} is closed")
            self._jobs.put(job)

    def _run(self) -> None:
        closing = False
        while not closing:
            jobs, closing = self._next_jobs()
            if jobs:
                self._commit(jobs)
            else:
                self._look_around()
            if self._copy_stale and (closing or time.monotonic() >= self._copy_due):
                self._write_copy()

    def _next_jobs(self) -> tuple[list[_Job], bool]:
        """What waits now, or nothing after a while; True with the last of all."""
        jobs: list[_Job] = []
        with suppress(queue.Empty):
            job = self._jobs.get(timeout=self._look_s)
            while job is not None:
                jobs.append(job)
                if len(jobs) >= _GROUP_OPERATIONS:
                    return jobs, False
                job = self._jobs.get_nowait()
            return jobs, True
        return jobs, False

    def _commit(self, jobs: list[_Job]) -> None:
        if self.damage:
            self._resolve(jobs, [(None, StoreDamaged(*self.damage.args))] * len(jobs), [])
            return
        started = time.perf_counter()
        try:
            self._file.reads_back(self.snapshot.last_id)
            self._connection.execute("BEGIN IMMEDIATE")
            self._refresh()
            group = Group(self._connection, self.snapshot, self._limits, self._path)
            answers = [_decide(job.operation, group) for job in jobs]
            group.write()
            self._connection.execute("COMMIT")
            self._file.in_place()
        except Exception as error:  # noqa: BLE001  everyone who waits must hear of it
            failure = self._failure(error)
            self._roll_back()
            self._resolve(jobs, [(None, failure)] * len(jobs), [])
            return
        if self._metrics:
            self._metrics.commit_seconds.observe(time.perf_counter() - started)
            self._metrics.commit_operations.observe(len(jobs))
            self._metrics.events.labels("external").inc(group.externals)
        self._adopt(group)
        self._resolve(jobs, answers, group.outgoing)

    def _adopt(self, group: Group) -> None:
        due = self.snapshot.adopt(
            group.devices_changed,
            group.access_changed,
            group.commands_changed,
            group.waiting,
            group.last_id,
        )
        self._copy_stale |= bool(group.devices_changed)
        if group.registry_changed:
            self._write_copy()
        self.listeners.note(due, group.dead_retried)
        self.listeners.announce()

    def _resolve(self, jobs: list[_Job], answers: list[_Answer], outgoing: list[Outgoing]) -> None:
        """Answer every job; those of the event loop with one call into it."""
        waiting: list[tuple[asyncio.Future[Any], _Answer]] = []
        for job, answer in zip(jobs, answers, strict=True):
            if isinstance(job.future, asyncio.Future):
                waiting.append((job.future, answer))
            elif answer[1]:
                job.future.set_exception(answer[1])
            else:
                job.future.set_result(answer[0])
        if waiting:
            loop = waiting[0][0].get_loop()
            with suppress(RuntimeError):  # the loop has ended: nobody waits any more
                loop.call_soon_threadsafe(self._resolve_in_loop, waiting, outgoing)

    def _resolve_in_loop(
        self, waiting: list[tuple[asyncio.Future[Any], _Answer]], outgoing: list[Outgoing]
    ) -> None:
        for future, (result, failure) in waiting:
            if future.done():
                continue
            if failure:
                future.set_exception(failure)
            else:
                future.set_result(result)
        if outgoing:
            self.listeners.accepted(outgoing)

    def _look_around(self) -> None:
        """Notice in time what another process changed, also while there is nothing to write."""
        if self.damage:
            return
        self._look_s = _LOOK_AGAIN_S
        try:
            self._file.in_place()
            self._file.reads_back(self.snapshot.last_id)
            self._refresh()
            self._look_failed = False
            self._look_s = _LOOK_AROUND_S
        except StoreDamaged as error:
            self._end_writing(error)
        except sqlite3.Error as error:
            _log.warning("%s", self.explain(error))
        except Exception as error:  # noqa: BLE001  without this thread nothing is written any more
            _log.error("the store's writer failed", exc_info=error)
            if self._look_failed:
                kind = type(error).__name__
                self._end_writing(StoreDamaged(f"the store {self._path} cannot be read ({kind})"))
            self._look_failed = True

    def _refresh(self) -> None:
        """Read anew what another process has changed since the last look, if anything."""
        due = self.snapshot.refresh(self._connection)
        if due is not None:
            self._copy_stale = True
            self.listeners.note(due, retried=True)
        self.listeners.announce()

    def _failure(self, error: Exception) -> Exception:
        """What everyone in the group is told."""
        if isinstance(error, sqlite3.Error):
            return self.explain(error)
        if isinstance(error, StoreDamaged):
            self._end_writing(error)
            return error
        _log.error("the store's writer failed", exc_info=error)
        return StoreError(f"the store {self._path} failed ({type(error).__name__})")

    def explain(self, error: sqlite3.Error) -> StoreError:
        """The store's own error; damage, wherever it shows, ends all writing."""
        explained = explain(error, self._path)
        if isinstance(explained, StoreDamaged):
            self._end_writing(explained)
        return explained

    def _end_writing(self, damage: StoreDamaged) -> None:
        if not self.damage:
            self.damage = damage
            _log.error("%s", damage)

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def _write_copy(self) -> None:
        self._copy_stale = not self._copy.write(
            self.snapshot.devices.values(), self.snapshot.access
        )
        self._copy_due = time.monotonic() + _COPY_EVERY_S


def _decide(operation: Operation[Any], group: Group) -> _Answer:
    try:
        return operation(group), None
    except sqlite3.Error:
        raise  # the transaction itself is in doubt
    except Exception as error:  # noqa: BLE001  it belongs to whoever asked
        return None, error
