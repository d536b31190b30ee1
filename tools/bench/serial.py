"""How long a command takes over USB at 115200 baud: sandbox, agent and board run as processes, this
one adds commands to the store as the command line does, and watches the board's pin."""

import json
import tempfile
import time
from base64 import b64encode
from pathlib import Path
from statistics import median

from host_agent.store import Store
from tools.server_process import ServerProcess
from tools.simulator import UsbBoard

COMMANDS = 200
TARGET_MS = 100.0

_BAUD = 115200
_PIN = 18


def measure(commands: int) -> list[float]:
    """Seconds from a command in the store to the level of the pin, ascending."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        _write_settings(directory)
        with Store.open(directory / "thingwarden.db") as store:
            device = store.add_device("board", "Lock")
            agent = ServerProcess(
                ["host_agent", "run", "--config", str(directory / "agent.toml")],
                log=directory / "agent.log",
                says="device link on",
            )
            config = {
                "device": device.name,
                "key": b64encode(device.key).decode(),
                "agent": "serial",
                "poll_s": 60,
                "commands": {"power": {"pin": _PIN}},
            }
            (directory / "board").mkdir()
            (directory / "board/config.json").write_text(json.dumps(config))
            with agent, UsbBoard(directory / "board", baud=_BAUD, firmware=True) as board:
                board.wait_for("agent: connected")
                return sorted(_command(store, board, n % 2 == 0) for n in range(commands))


def _command(store: Store, board: UsbBoard, on: bool) -> float:
    began = time.perf_counter()
    store.commands.add("board", "power", on, ttl_s=60)
    board.wait_for_output(_PIN, int(on))
    return time.perf_counter() - began


def main() -> None:
    """Print the figures of one run."""
    took = measure(COMMANDS)
    print(f"from the store to the pin, over USB at {_BAUD} baud:")
    print(f"median {median(took) * 1000:7.0f} ms")
    for name, share in (("p90", 0.9), ("p99", 0.99)):
        print(f"{name:7}{took[int(len(took) * share)] * 1000:7.0f} ms")
    print(f"the budget is {TARGET_MS:.0f} ms")


def _write_settings(directory: Path) -> None:
    settings = directory / "agent.toml"
    settings.touch(mode=0o600)
    settings.write_text(
        f"""
        [securithings]
        url = "http://127.0.0.1:9/api/v1/event"
        api_key = "demo-key"
        api_secret = "demo-secret"
        [link]
        listen = "127.0.0.1:0"
        [console]
        listen = "127.0.0.1:0"
        [serial]
        ports = ["{directory}/*.tty"]
        """
    )
