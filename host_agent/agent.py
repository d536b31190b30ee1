"""The agent: store, delivery, device link and console, put together in one process and one loop."""

import asyncio
import fcntl
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from host_agent.config import Settings
from host_agent.console.app import console_app
from host_agent.delivery import Delivery
from host_agent.errors import ThingWardenError
from host_agent.link.http import link_app
from host_agent.link.sessions import Sessions
from host_agent.listener import Listener
from host_agent.metrics import Metrics
from host_agent.store import Limits, Store, locate

DRAIN_S = 10
"""How long events under way may take when the agent stops."""
_DAMAGE_CHECK_S = 0.5

_log = logging.getLogger(__name__)


class AgentError(ThingWardenError):
    """The agent cannot start, or cannot go on."""


def run_agent(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT, then drain. Raises ThingWardenError when it cannot go on."""
    endpoint = settings.securithings.endpoint()
    path = locate(Path(settings.store.path))
    metrics = Metrics()
    limits = Limits(settings.store.max_events, settings.store.max_bytes)
    with _only_agent_on(path), Store.open(path, limits, metrics=metrics) as store:
        delivery = Delivery(store, settings.delivery, endpoint, metrics)
        sessions = Sessions(store, metrics)

        def problems() -> list[str]:
            return _problems(store, limits, sessions, delivery)

        busy = metrics.frames.labels("busy").inc
        link_host, link_port = settings.link.address
        host, port = settings.console.address
        with (
            Listener(link_app(sessions, metrics), link_host, link_port, busy) as link,
            Listener(console_app(store, metrics, problems, host), host, port) as console,
            asyncio.Runner(loop_factory=_new_event_loop) as runner,
        ):
            runner.run(_serve(store, delivery, link, console))


async def _serve(store: Store, delivery: Delivery, link: Listener, console: Listener) -> None:
    stopped = _stop_signal()
    stopping = asyncio.create_task(stopped.wait())
    serving = [asyncio.create_task(link.serve()), asyncio.create_task(console.serve())]
    delivering = asyncio.create_task(delivery.run())
    watching = asyncio.create_task(_watch(store))
    _log.info("device link on %s", link.url)
    _log.info("console on %s", console.url)
    tasks = [stopping, watching, delivering, *serving]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    _log.info("stopping: frames and events under way may finish")
    link.stop()
    console.stop()
    await asyncio.wait(serving)
    await delivery.stop(DRAIN_S)
    stopping.cancel()
    watching.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result


async def _watch(store: Store) -> None:
    """Ends, with StoreDamaged, once the store has stopped working for good."""
    while store.damage is None:  # noqa: ASYNC110 (it is told by a thread)
        await asyncio.sleep(_DAMAGE_CHECK_S)
    raise store.damage


def _stop_signal() -> asyncio.Event:
    """Set by the first SIGTERM or SIGINT; the second one ends the process at once."""
    stopped = asyncio.Event()

    def on_signal(number: int) -> None:
        if stopped.is_set():
            os._exit(128 + number)
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, on_signal, number)
    return stopped


@contextmanager
def _only_agent_on(store: Path) -> Iterator[None]:
    """Holds `<store>.lock`, so that no second agent delivers the same events."""
    path = store.with_name(store.name + ".lock")
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise AgentError(f"cannot make {path}: {error.strerror}; see [store] path") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AgentError(f"another agent runs on the store {store}") from error
        yield
    finally:
        os.close(descriptor)


def _new_event_loop() -> asyncio.AbstractEventLoop:
    """uvloop's where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def _problems(store: Store, limits: Limits, sessions: Sessions, delivery: Delivery) -> list[str]:
    """Why the agent does not do its whole work now."""
    stats = store.stats()
    found = []
    if store.damage is not None:
        found.append(str(store.damage))
    if sessions.refusing is not None:
        found.append(f"reports are refused: {sessions.refusing}")
    if stats.pending + stats.dead >= limits.max_events or stats.bytes >= limits.max_bytes:
        found.append("the store is at its limit of events or bytes")
    if delivery.paused is not None:
        found.append(f"delivery is paused: {delivery.paused}")
    return found
