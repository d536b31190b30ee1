"""`tools.board flash`: a board gets the firmware and its settings, and reports."""

import sys
import time
from pathlib import Path

from host_agent.board_config import SERIAL
from host_agent.config import load_settings
from host_agent.serial_leases import borrow
from host_agent.store import Device, Store
from tools.board.ask import Ask
from tools.board.build import FIRMWARE
from tools.board.connection import connect
from tools.board.deployment import deploy
from tools.board.errors import BoardError
from tools.board.ports import choose
from tools.board.progress import shown
from tools.board.provision import files_for
from tools.board.summary import print_summary
from tools.board.waiting import BoardConsole, Wait


def flash(
    port: str | None,
    device: str,
    agent_toml: Path,
    boards: Path,
    *,
    wait_s: float,
    replace: bool = False,
    firmware: Path = FIRMWARE,
) -> None:
    """Flash the board on `port`, or the only one on USB, as `device`; wait for its first report.

    A board that was another device so far is refused unless `replace` says so.
    Raises BoardError, and what settings, store and leases raise; each tells what to do. Wherever
    it ends, the board boots the old or the new and can be flashed again.
    """
    start = time.monotonic()
    settings = load_settings(agent_toml)
    path = Path(settings.store.path)
    named = choose(port)
    with Store.open(path) as store:
        _known(store, device)
        files = files_for(device, agent_toml, boards, Ask())
        by_cable = files.config.get("agent") == SERIAL
        with shown(sys.stderr) as show:
            show.step(f"connecting to {named}")
            with borrow(path, named), connect(named) as board:
                show.step(f"MicroPython {board.facts.version}, {board.facts.machine}")
                written = deploy(board, files, firmware, show.travelled, replace=replace)
                wait = Wait(store, _known(store, device), settings, files.config, named)
                board.reset()
                show.step(f"waiting for the first report of {device}")
                if hindrance := wait.hindrance():
                    show.line(f"as things are none will come: {hindrance}")
                if not by_cable:
                    report = wait.report(BoardConsole(board, show.line), wait_s)
            if by_cable:  # its reports need the port, which the agent has again
                report = wait.report(None, wait_s)
    print_summary(written, report, time.monotonic() - start, sys.stdout)


def _known(store: Store, name: str) -> Device:
    device = store.device(name)
    if device is None:
        raise BoardError(
            f"the agent knows no device {name}: `thingwarden device add {name} --type TYPE` makes"
            " it one"
        )
    return device
