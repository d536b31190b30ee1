"""The agent: its parts, put together in one process and one loop."""

import asyncio
import fcntl
import logging
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from host_agent import webhook
from host_agent.config import Settings
from host_agent.console.app import console_app
from host_agent.delivery import Delivery
from host_agent.errors import ThingWardenError
from host_agent.guardiankey.aio import Api
from host_agent.link.http import link_app
from host_agent.link.relay import CALL_S, Relay
from host_agent.link.sessions import Sessions
from host_agent.listener import Listener
from host_agent.lockdown import Lockdown
from host_agent.metrics import Metrics
from host_agent.purging import purge_attempts
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
    guardiankey = settings.guardiankey
    account = guardiankey.load_account()
    api = guardiankey.open_api(CALL_S)
    path = locate(Path(settings.store.path))
    metrics = Metrics()
    limits = Limits(settings.store.max_events, settings.store.max_bytes)
    with _only_agent_on(path), Store.open(path, limits, metrics=metrics) as store:
        delivery = Delivery(store, settings.delivery, endpoint, metrics)
        relay = Relay(api, store, metrics)
        sessions = Sessions(store, metrics, relay)
        lockdown = Lockdown(guardiankey.lockdown_on, guardiankey.lockdown_devices)

        def problems() -> list[str]:
            return _problems(store, limits, sessions, delivery, relay, lockdown)

        with ExitStack() as stack, asyncio.Runner(loop_factory=_new_event_loop) as runner:
            listen = stack.enter_context
            app = link_app(sessions, metrics)
            busy = metrics.frames.labels("busy").inc
            listeners = {"device link": listen(Listener(app, *settings.link.address, busy))}
            if account and guardiankey.webhook_address:
                app = webhook.webhook_app(account, store, lockdown, metrics)
                busy = metrics.notifications.labels("busy").inc
                listeners["webhook"] = listen(
                    Listener(app, *guardiankey.webhook_address, busy, webhook.MAX_CONNECTIONS)
                )
            app = console_app(store, metrics, problems, settings.console.address[0])
            listeners["console"] = listen(Listener(app, *settings.console.address))
            keep_days = guardiankey.keep_days
            runner.run(_serve(store, delivery, api, relay, listeners, keep_days))


async def _serve(
    store: Store,
    delivery: Delivery,
    api: Api,
    relay: Relay,
    listeners: Mapping[str, Listener],
    keep_days: int,
) -> None:
    stopped = _stop_signal()
    async with api:
        serving = [asyncio.create_task(listener.serve()) for listener in listeners.values()]
        delivering = asyncio.create_task(delivery.run())
        until_stopped = [
            asyncio.create_task(stopped.wait()),
            asyncio.create_task(_watch(store)),
            asyncio.create_task(purge_attempts(store, keep_days)),
        ]
        for name, listener in listeners.items():
            _log.info("%s on %s", name, listener.url)
        tasks = [*until_stopped, delivering, *serving]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        _log.info("stopping: frames and events under way may finish")
        for listener in listeners.values():
            listener.stop()
        await asyncio.wait(serving)
        await relay.stop()
        await delivery.stop(DRAIN_S)
        for task in until_stopped:
            task.cancel()
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


def _problems(
    store: Store,
    limits: Limits,
    sessions: Sessions,
    delivery: Delivery,
    relay: Relay,
    lockdown: Lockdown,
) -> list[str]:
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
    if relay.failing is not None:
        found.append(f"GuardianKey cannot be asked: {relay.failing}")
    if unknown := lockdown.unknown(store):
        found.append(f"[guardiankey] lockdown_devices: there is no device {', '.join(unknown)}")
    return found
