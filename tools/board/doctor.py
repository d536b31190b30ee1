"""What is wrong with a board, in plain words: one line a check, and what to do."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from host_agent.board_config import SERIAL
from host_agent.config import ConfigError, Settings, load_settings
from host_agent.errors import ThingWardenError
from tools.board import condition, facts, route, user_modules, wiring
from tools.board.connection import Board, connect
from tools.board.errors import BoardError, BoardLost
from tools.board.examination import Finding
from tools.board.lease import borrowed
from tools.board.ports import choose


def examine(
    port: str | None, device: str | None, agent_toml: Path, tell: Callable[[str], None]
) -> bool:
    """Whether nothing is bad; every line goes to `tell`. The board's app is started again."""
    healthy = True
    for finding in _all(port, device, agent_toml):
        tell(str(finding))
        healthy = healthy and finding.level != "bad"
    return healthy


def _all(port: str | None, device: str | None, agent_toml: Path) -> Iterator[Finding]:
    try:
        named = choose(port)
        with borrowed(agent_toml, named), connect(named) as board:
            yield Finding("ok", "port", f"{named} answers")
            try:
                yield from _board(board, device, agent_toml)
            finally:
                board.run_on()
    except BoardError as error:
        yield Finding("bad", "port", str(error))


def _board(board: Board, device: str | None, agent_toml: Path) -> Iterator[Finding]:
    found = board.facts
    try:
        facts.check(found)
    except BoardError as error:
        yield Finding("bad", "system", str(error))
        return
    yield Finding("ok", "system", f"MicroPython {found.version} on {found.machine}")
    yield _one("firmware", condition.firmware, board)
    yield _one("memory", condition.memory, board)
    yield _one("flash", condition.flash, board)
    said: dict[str, Any] = {}

    def config() -> Finding:
        said.update(condition.settings(board))
        return condition.config(said)

    yield _one("config", config)
    if "device" in said:
        yield from _surroundings(board, said, device, agent_toml)


def _surroundings(
    board: Board, said: dict[str, Any], device: str | None, agent_toml: Path
) -> Iterator[Finding]:
    """What the board's own settings name."""
    settings = _settings(agent_toml)
    yield _one("device", condition.identity, said["device"], said["key"], device, agent_toml)
    for entry in said["inputs"]:
        yield _one("wiring", wiring.examine, board, entry)
    if said["ssid"] is not None:
        yield _one("wifi", route.wifi, board, said["ssid"])
    if said["agent"] == SERIAL:
        yield route.serial(board.port, settings)
    else:
        yield _one("agent", route.agent, board, said["agent"], settings)
    yield _one("clock", condition.clock, board)
    for module in sorted(set(said["functions"].values())):  # last: what they begin may chatter
        yield _one("module", _module, board, module, said["functions"])


def _module(board: Board, module: str, functions: Mapping[str, str]) -> Finding:
    """On a board that just started: what another module began has ended."""
    board.take_over(soft_reset=True)
    condition.settings(board)  # which lets modules be found
    return user_modules.examine(board, module, functions)


def _one(about: str, look: Callable[..., Finding], *arguments: object) -> Finding:
    """A check that fails is a finding, and the others go on; only a lost board ends them."""
    try:
        return look(*arguments)
    except BoardLost:
        raise
    except ThingWardenError as error:
        return Finding("bad", about, str(error))


def _settings(agent_toml: Path) -> Settings | None:
    try:
        return load_settings(agent_toml)
    except ConfigError:
        return None
