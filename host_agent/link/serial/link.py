"""The serial ports named in agent.toml: each is open while it is there and nobody borrowed it."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, TypeVar, get_args

from host_agent.config.serial import MAX_PORTS
from host_agent.link.serial.conversation import Conversation
from host_agent.link.serial.lines import NUDGE
from host_agent.link.serial.port import Port, PortError
from host_agent.link.serial.ports import expected, is_there
from host_agent.link.serial.standing import Standing, State
from host_agent.link.sessions import Sessions
from host_agent.metrics import Metrics
from host_agent.serial_leases import SerialLeaseError, is_lent, opening
from host_agent.store import Store

LOOK_S = 0.5
"""How often to look for ports that came."""
LEASE_CHECK_S = 0.1
MAX_BYTES_PER_S = 128 * 1024
"""Of a port; a board has 11 KB/s at 115,200 baud."""
MAX_LINES_PER_S = 2000
"""Of a port: what a line costs is time that the other boards wait."""

_log = logging.getLogger(__name__)

T = TypeVar("T")


class SerialLink:
    """The agent's end of every port. Belongs to the event loop that it `run`s on."""

    def __init__(
        self,
        patterns: Sequence[str],
        sessions: Sessions,
        store: Store,
        store_path: Path,
        metrics: Metrics,
    ) -> None:
        self._patterns = patterns
        self._sessions = sessions
        self._store = store
        self._store_path = store_path
        self._metrics = metrics
        self._threads = ThreadPoolExecutor(MAX_PORTS, "serial port")
        self._standings: dict[str, Standing] = {}
        self._attended: dict[str, asyncio.Task[None]] = {}
        self._conversations: dict[str, Conversation] = {}
        """By device: where its last frame was accepted."""
        self._warned_of_many = False

    async def run(self) -> NoReturn:
        """Until cancelled; then every port is closed."""
        loop = asyncio.get_running_loop()

        def on_due(device: str) -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._nudge, device)

        self._store.on_due.append(on_due)
        try:
            while True:
                self._look_around()
                await asyncio.sleep(LOOK_S)
        finally:
            self._store.on_due.remove(on_due)
            for task in self._attended.values():
                task.cancel()
            await asyncio.gather(*self._attended.values(), return_exceptions=True)
            self._threads.shutdown(wait=False, cancel_futures=True)

    def _nudge(self, device: str) -> None:
        if conversation := self._conversations.get(device):
            conversation.nudge()

    def _look_around(self) -> None:
        """Attend to every port that is there."""
        ports = self._few(expected(self._patterns, self._attended))
        for port in ports:
            standing = self._standings.setdefault(port, Standing(port))
            if port in self._attended:
                continue
            if not is_there(port):
                standing.absent()
            elif standing.may_be_tried:
                self._attended[port] = asyncio.create_task(self._attend(port, standing))
        for port in self._standings.keys() - self._attended.keys() - set(ports):
            del self._standings[port]
        states = Counter(standing.state for standing in self._standings.values())
        for state in get_args(State):
            self._metrics.serial_ports.labels(state).set(states[state])

    def _few(self, ports: list[str]) -> list[str]:
        if len(ports) > MAX_PORTS and not self._warned_of_many:
            self._warned_of_many = True
            _log.warning("%d ports match [serial] ports; %d are used", len(ports), MAX_PORTS)
        return ports[:MAX_PORTS]

    async def _attend(self, port: str, standing: Standing) -> None:
        """Have it open for as long as that goes well."""
        try:
            with opening(self._store_path, port) as may_have_it:
                if may_have_it:
                    await self._have_open(port, standing)
                else:
                    standing.lent()
        except (PortError, SerialLeaseError) as error:
            standing.failed(str(error))
        except Exception as error:  # noqa: BLE001 (one port must not end the agent)
            _log.error("the serial link at %s failed", port, exc_info=error)
            standing.failed(f"failed ({type(error).__name__})")
        finally:
            del self._attended[port]

    async def _have_open(self, port: str, standing: Standing) -> None:
        """Raises PortError if it cannot be opened."""
        opened = await self._in_thread(lambda: Port(port))
        try:
            standing.opened()
            opened.write(b"\n" + NUDGE)
            await self._converse(port, opened, standing)
        except PortError as error:
            standing.broke(str(error))
        finally:
            await asyncio.shield(self._in_thread(opened.close))

    async def _converse(self, port: str, opened: Port, standing: Standing) -> None:
        """Until the port is lent. Raises PortError once it is gone."""

        def meet(device: str) -> None:
            self._conversations[device] = conversation

        conversation = Conversation(port, self._sessions, self._metrics, opened.write, meet)
        tasks = [
            asyncio.create_task(conversation.answer_frames()),
            asyncio.create_task(_read(opened, conversation)),
            asyncio.create_task(self._until_lent(port, conversation, standing)),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            kept = {name: at for name, at in self._conversations.items() if at is not conversation}
            self._conversations = kept

    async def _until_lent(self, port: str, conversation: Conversation, standing: Standing) -> None:
        while not is_lent(self._store_path, port):
            await asyncio.sleep(LEASE_CHECK_S)
            conversation.tick()
            standing.stays_open()

    async def _in_thread(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)


async def _read(port: Port, conversation: Conversation) -> NoReturn:
    """Raises PortError."""
    while True:
        await _readable(port.fileno())
        data = port.read()
        conversation.receive(data)
        await asyncio.sleep(len(data) / MAX_BYTES_PER_S + data.count(b"\n") / MAX_LINES_PER_S)


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)
