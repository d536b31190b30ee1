"""The questions that make a board's first boards/NAME.toml."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from host_agent.board_config import SERIAL
from tools.board.addresses import addresses, local_name
from tools.board.ask import Ask
from tools.board.check import ConfigRefused

_T = TypeVar("_T")
PASSWORD = "THINGWARDEN_WIFI_PASSWORD"  # noqa: S105 (a variable's name)


@dataclass(frozen=True)
class Answers:
    """What the person chose; `wifi` is (ssid, password), None for a board on a cable."""

    agent: str
    wifi: tuple[str, str] | None = field(repr=False)
    inputs: list[dict[str, Any]]

    def fields(self) -> dict[str, Any]:
        """As config.json has them."""
        made: dict[str, Any] = {"agent": self.agent}
        if self.wifi:
            made["wifi"] = {"ssid": self.wifi[0], "password": self.wifi[1]}
        if self.inputs:
            made["inputs"] = self.inputs
        return made


def ask_all(
    ask: Ask,
    listen: tuple[str, int],
    example: dict[str, Any],
    check: Callable[[dict[str, Any]], None],
    environment: Mapping[str, str] = os.environ,
) -> Answers:
    """Answers that `check`, given fields of config.json, took one by one.

    `listen` is where the agent listens, `example` the input that is offered.
    """
    agent = _until_right(
        ask, lambda: _agent(ask, listen), lambda address: check({"agent": address})
    )
    wifi = None
    if agent != SERIAL:
        password = environment.get(PASSWORD)
        wifi = _until_right(
            ask,
            lambda: _wifi(ask, password),
            lambda wifi: check(Answers(agent, wifi, []).fields()),
        )
    wanted = ask.yes(
        f"An example input: a button between pin {example['pin']} and GND?", default=True
    )
    return Answers(agent, wifi, [example] if wanted else [])


def _agent(ask: Ask, listen: tuple[str, int]) -> str:
    host, port = listen
    offered = {f"http://{one.ip}:{port}": f"this machine on {one.interface}" for one in addresses()}
    if name := local_name():
        offered[f"http://{name}:{port}"] = "this machine by name, whatever its address"
    offered[SERIAL] = "over the USB cable, without Wi-Fi"
    ask.say("Where does the board report to?")
    for number, (address, what) in enumerate(offered.items(), 1):
        ask.say(f"  {number}  {address:<32} {what}")
    if host.startswith("127.") or host == "localhost":
        ask.say(f"  (the agent listens on {host} only: set [link] listen for boards on Wi-Fi)")
    answer = ask.text("A number, or an address like http://192.168.1.10:8710", "1")
    chosen = list(offered)
    if answer.isdecimal() and 1 <= int(answer) <= len(chosen):
        return chosen[int(answer) - 1]
    return answer


def _wifi(ask: Ask, password: str | None) -> tuple[str, str]:
    ssid = ask.text("Wi-Fi name")
    if password:
        ask.say(f"Wi-Fi password: that of {PASSWORD}")
        return ssid, password
    return ssid, ask.secret("Wi-Fi password, not shown, empty for an open network")


def _until_right(ask: Ask, draw: Callable[[], _T], check: Callable[[_T], None]) -> _T:
    while True:
        answer = draw()
        try:
            check(answer)
        except ConfigRefused as error:
            ask.say(str(error))
        else:
            return answer
