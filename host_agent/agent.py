"""The agent: its parts, put together in one process and one loop."""

import asyncio
import fcntl
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from host_agent.app import Agent
from host_agent.app.listening import MAX_CONNECTIONS as APP_CONNECTIONS
from host_agent.app.running import AppRun
from host_agent.config import ConfigError, GuardianKeySettings, Settings
from host_agent.console.app import MAX_CONNECTIONS as CONSOLE_CONNECTIONS
from host_agent.console.app import console_app
from host_agent.console.live import Live
from host_agent.console.parts import ConsoleParts
from host_agent.console.sessions import Sessions as ConsoleSessions
from host_agent.delivery.delivery import Delivery
from host_agent.errors import ThingWardenError
from host_agent.guardiankey import Account, GuardianKeyError
from host_agent.guardiankey.aio import Api, AsyncGuardianKey
from host_agent.link.http import link_app
from host_agent.link.relay import CALL_S, Relay
from host_agent.link.serial.link import SerialLink
from host_agent.link.sessions import Sessions
from host_agent.listener import Listener
from host_agent.lockdown import Lockdown
from host_agent.loopback import is_loopback
from host_agent.metrics import Metrics
from host_agent.open_files import admit_open_files
from host_agent.purging import purge_old
from host_agent.store import Limits, Store, locate
from host_agent.webhook import MAX_CONNECTIONS as WEBHOOK_CONNECTIONS
from host_agent.webhook import webhook_app

DRAIN_S = 10
"""How long events under way may take when the agent stops."""
APP_DRAIN_S = 5
"""How long handlers of an app may take for events that came before that."""
APP_END_S = 2
"""How long an app may keep the process after all that."""
_DAMAGE_CHECK_S = 0.5
_SWITCH_S = 0.001
"""How long the thread of a page may keep the loop and the store's writer, which takes turns with it
several times a frame, from running; Python's own 5 ms make frames several times slower."""

_log = logging.getLogger(__name__)


class AgentError(ThingWardenError):
    """The agent cannot start, or cannot go on."""


@dataclass(frozen=True)
class _Parts:
    """What works together while the agent runs."""

    settings: Settings
    metrics: Metrics
    store: Store
    delivery: Delivery
    api: Api
    relay: Relay
    sessions: Sessions
    serial: SerialLink
    lockdown: Lockdown
    app: AppRun
    guardiankey: AsyncGuardianKey | None
    live: Live

    def problems(self) -> list[str]:
        """Why the agent does not do its whole work now."""
        limits, stats = self.settings.store, self.store.stats()
        found = []
        if self.store.damage is not None:
            found.append(str(self.store.damage))
        if self.sessions.refusing is not None:
            found.append(f"reports are refused: {self.sessions.refusing}")
        if stats.pending + stats.dead >= limits.max_events or stats.bytes >= limits.max_bytes:
            found.append("the store is at its limit of events or bytes")
        if self.delivery.paused is not None:
            found.append(f"delivery is paused: {self.delivery.paused}")
        if self.relay.failing is not None:
            found.append(f"GuardianKey cannot be asked: {self.relay.failing}")
        if unknown := self.lockdown.unknown(self.store):
            found.append(f"[guardiankey] lockdown_devices: there is no device {', '.join(unknown)}")
        return found


def run_agent(settings: Settings, app: Agent | None = None) -> None:
    """Run until SIGTERM or SIGINT, then drain; with an app's handlers, if there is one. Raises
    ThingWardenError when it cannot go on."""
    sys.setswitchinterval(_SWITCH_S)
    admit_open_files()
    endpoint = settings.securithings.endpoint()
    guardiankey = settings.guardiankey
    account = guardiankey.load_account()
    api, client = _clients(guardiankey, account)
    path = locate(Path(settings.store.path))
    metrics = Metrics()
    limits = Limits(settings.store.max_events, settings.store.max_bytes)
    with _only_agent_on(path), Store.open(path, limits, metrics=metrics) as store:
        relay = Relay(api, store, metrics)
        sessions = Sessions(store, metrics, relay)
        parts = _Parts(
            settings=settings,
            metrics=metrics,
            store=store,
            delivery=Delivery(store, settings.delivery, endpoint, metrics),
            api=api,
            relay=relay,
            sessions=sessions,
            serial=SerialLink(settings.serial.ports, sessions, store, path, metrics),
            lockdown=Lockdown(guardiankey.lockdown_on, guardiankey.lockdown_devices),
            app=AppRun(app or Agent(), store, metrics),
            guardiankey=client,
            live=Live(metrics),
        )
        with ExitStack() as stack, asyncio.Runner(loop_factory=_new_event_loop) as runner:
            listeners = {
                name: stack.enter_context(listener) for name, listener in _bound(parts, account)
            }
            runner.run(_serve(parts, listeners))
            if app:
                _end_within(APP_END_S)


def _clients(
    settings: GuardianKeySettings, account: Account | None
) -> tuple[Api, AsyncGuardianKey | None]:
    """For doors, and for logins to the console. Raises ConfigError for a `ca` that is none."""
    ca = settings.ca or None
    try:
        client = AsyncGuardianKey(account, settings.api, ca=ca) if account else None
        return Api(settings.api, total_s=CALL_S, ca=ca), client
    except GuardianKeyError as error:
        raise ConfigError(f"[guardiankey] {error}") from error


def _bound(parts: _Parts, account: Account | None) -> Iterator[tuple[str, Listener]]:
    """The agent's listeners by name, each bound when it is asked for."""
    settings, metrics = parts.settings, parts.metrics
    app = link_app(parts.sessions, metrics)
    busy = metrics.frames.labels("busy").inc
    yield "device link", Listener(app, *settings.link.address, busy)
    if account and (address := settings.guardiankey.webhook_address):
        app = webhook_app(account, parts.store, parts.lockdown, metrics)
        busy = metrics.notifications.labels("busy").inc
        yield "webhook", Listener(app, *address, busy, WEBHOOK_CONNECTIONS)
    host, port = settings.app.address
    if requests := parts.app.requests_app(host, settings.app.trusted_proxies):
        busy = metrics.app_requests.labels("busy").inc
        yield "app", Listener(requests, host, port, busy, APP_CONNECTIONS)
    host, port = settings.console.address
    app = console_app(
        ConsoleParts(
            store=parts.store,
            metrics=metrics,
            problems=parts.problems,
            host=host,
            trusted_proxies=settings.console.trusted_proxies,
            guardiankey=parts.guardiankey,
            sessions=ConsoleSessions(parts.store),
            live=parts.live,
        )
    )
    yield "console", Listener(app, host, port, max_connections=CONSOLE_CONNECTIONS)
    if not (is_loopback(host) or settings.console.trusted_proxies):
        _log.warning(
            "[console] listens on %s: passwords and cookies travel in clear; listen on 127.0.0.1"
            " behind a proxy with TLS, and name it in trusted_proxies",
            host,
        )


async def _serve(parts: _Parts, listeners: Mapping[str, Listener]) -> None:
    stopped = _stop_signal()
    keep_days = parts.settings.guardiankey.keep_days
    async with parts.api, parts.guardiankey or nullcontext():
        parts.app.start()
        parts.store.on_changed.append(parts.live.changed)
        serving = [asyncio.create_task(listener.serve()) for listener in listeners.values()]
        delivering = asyncio.create_task(parts.delivery.run())
        attending = asyncio.create_task(parts.serial.run())
        until_stopped = [
            asyncio.create_task(stopped.wait()),
            asyncio.create_task(_watch(parts.store)),
            asyncio.create_task(purge_old(parts.store, keep_days)),
            asyncio.create_task(parts.live.run()),
        ]
        for name, listener in listeners.items():
            _log.info("%s on %s", name, listener.url)
        tasks = [*until_stopped, attending, delivering, *serving]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        _log.info("stopping: frames and events under way may finish")
        parts.live.stop()
        for listener in listeners.values():
            listener.stop()
        attending.cancel()
        await asyncio.wait([attending, *serving])
        await parts.relay.stop()
        await parts.app.stop(APP_DRAIN_S)
        await parts.delivery.stop(DRAIN_S)
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


def _end_within(seconds: float) -> None:
    """An app can keep a process from ending: by a coroutine that ignores its cancellation, by a
    thread of an executor. What must not be lost is in the store by now."""

    def end() -> None:
        _log.warning("the app still runs something; the agent ends without it")
        os._exit(0)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


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
