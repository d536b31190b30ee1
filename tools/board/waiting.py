"""Waiting for a board's first report after a flash, and why none came."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from host_agent.board_config import SERIAL
from host_agent.config import Settings
from host_agent.store import Device, Store
from host_agent.text import printable
from tools.board.connection import Board
from tools.board.errors import BoardError, BoardLost
from tools.board.lease import is_of_agent
from tools.board.reach import agent_listens, listens

_POLL_S = 0.2
_SHOWN_LINES = 5
_FRAME = "~"


class BoardConsole:
    """What a board prints while we hold its port; frames of the serial link are left out."""

    def __init__(self, board: Board, tell: Callable[[str], None]) -> None:
        self.lines: deque[str] = deque(maxlen=200)
        self._board: Board | None = board
        self._tell = tell
        self._rest = ""

    def listen(self, seconds: float) -> None:
        """Take in what comes in that time. A port that goes is listened to no more."""
        if self._board is None:
            time.sleep(seconds)
            return
        try:
            heard = self._board.hear(seconds)
        except BoardLost:
            self._board = None
            return
        *lines, self._rest = (self._rest + heard).split("\n")
        for line in lines:
            text = printable(line.rstrip("\r"))
            if text and not text.startswith(_FRAME):
                self.lines.append(text)
                self._tell(text)


@dataclass(frozen=True)
class Wait:
    """For a report of a later boot than `before`, of a board that has `config`."""

    store: Store
    before: Device
    settings: Settings
    config: Mapping[str, Any]
    port: str

    def report(self, console: BoardConsole | None, seconds: float) -> Device:
        """The device once it reported. BoardError with the likely cause if it does not in time.

        `console` is None where the agent has the port.
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            device = self.store.device(self.before.name)
            if device and device.boot > self.before.boot and device.health:
                return device
            if console:
                console.listen(_POLL_S)
            else:
                time.sleep(_POLL_S)
        lines = list(console.lines) if console else []
        raise BoardError(
            f"the board is flashed, but no report of {self.before.name} came in {seconds:g} s: "
            + self._why(lines)
            + _said(lines)
        )

    def _why(self, lines: list[str]) -> str:
        said = "\n".join(lines)
        if "config.json:" in said:
            return "it does not accept its settings; correct boards/NAME.toml and flash again"
        if "does not know this device" in said:
            return (
                f"the agent at {self.config['agent']} does not know it; is that the agent of this"
                " settings file (--config)?"
            )
        return self.hindrance() or self._likely(said)

    def hindrance(self) -> str | None:
        """What keeps every report from coming, and what to do, as far as this machine can see."""
        if self.config["agent"] != SERIAL:
            agent = urlsplit(self.config["agent"])
            if listens(agent.hostname or "", agent.port or 80):
                return None
            return (
                f"nobody listens at {agent.hostname}:{agent.port or 80}; start the agent with"
                " `thingwarden run` (`make run`), or correct `agent` in boards/NAME.toml and flash"
                " again"
            )
        if not agent_listens(self.settings):
            return "no agent runs here; start it with `thingwarden run` (`make run`)"
        if not is_of_agent(self.port, self.settings):
            return (
                f'the agent does not look at this port; put "{self.port}" into ports under [serial]'
                " in agent.toml and start the agent anew"
            )
        return None

    def _likely(self, said: str) -> str:
        if self.config["agent"] == SERIAL:
            return (
                "the agent runs and may use the port; look into its log, and at"
                " `python -m tools.board doctor`"
            )
        wifi = self.config.get("wifi")
        if wifi and "wifi: connected" not in said:
            return (
                f"it does not get into the Wi-Fi {wifi.get('ssid')}; check name and password in"
                " boards/NAME.toml, and that the network has 2.4 GHz"
            )
        return (
            f"this machine reaches {self.config['agent']}, the board may not: check this machine's"
            " firewall, and that the Wi-Fi lets its stations reach one another"
        )


def _said(lines: list[str]) -> str:
    return f". The board said last: {' | '.join(lines[-_SHOWN_LINES:])}" if lines else ""
