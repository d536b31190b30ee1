"""The whole product as processes: sandbox, agent and simulated boards, to be used and abused."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import requests

from host_agent.cli import app
from tools.server_process import ServerProcess, free_port
from tools.simulator import SimulatedBoard, UsbBoard

ROOT = Path(__file__).resolve().parents[2]

BUTTON = {"kind": "button", "name": "button", "pin": 14, "pull": "up", "debounce_ms": 10}
THERMOMETER = {"kind": "analog", "name": "temperature", "pin": 34, "scale": 0.1, "offset": -50}
KEYPAD = {"rows": [32, 33, 25, 26], "columns": [27, 13, 4]}
LOCK_PIN = 23
CREDENTIALS = {
    "SANDBOX_API_KEY": "test-key",
    "SANDBOX_API_SECRET": "test-secret",
    "THINGWARDEN_API_KEY": "test-key",
    "THINGWARDEN_API_SECRET": "test-secret",
}
WAIT_S = 60.0


def wait_until(done: Callable[[], Any], what: str) -> None:
    """Poll until `done()` is true; a test fails with `what` after a minute."""
    deadline = time.monotonic() + WAIT_S
    while not done():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


class System:
    """One installation in a directory, as a person would set it up."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.config = directory / "agent.toml"
        self.link = f"http://127.0.0.1:{free_port()}"
        self.console = f"http://127.0.0.1:{free_port()}"
        self.sandbox = ServerProcess(
            ["tools.sandbox", "--listen", "127.0.0.1:0"],
            log=directory / "sandbox.log",
            says="listening on",
            env=CREDENTIALS,
        )
        self.app = f"http://127.0.0.1:{free_port()}"
        self.agent = self._new_agent()
        self.boards: list[SimulatedBoard | UsbBoard] = []

    def _new_agent(self, *arguments: str) -> ServerProcess:
        return ServerProcess(
            ["host_agent", "run", "--config", str(self.config), *arguments],
            log=self.directory / "agent.log",
            says="device link on",
            env=CREDENTIALS,
        )

    def start(self) -> None:
        self.sandbox.start()
        self._write_config("")
        self.agent.start()

    def start_with_guardiankey(self, *settings: str) -> None:
        """With an account there, whose notifications reach the agent; `settings` are more lines of
        [guardiankey]."""
        self.sandbox.start()
        webhook = f"127.0.0.1:{free_port()}"
        table = f'[guardiankey]\napi = "{self.sandbox.address}"\n'
        self._write_config(table)
        notify = f"http://{webhook}/v1/guardiankey/notifications"
        self.thingwarden(
            *("guardiankey", "register", "owner@example.test"),
            *("--webhook", notify, "--out", str(self.directory / "guardiankey.toml")),
        )
        lines = ['account = "guardiankey.toml"', f'webhook = "{webhook}"', *settings]
        self._write_config(table + "\n".join(lines) + "\n")
        self.agent.start()

    def start_with_app(self, file: Path) -> None:
        """With the app in that file, which answers requests at `app`."""
        self.sandbox.start()
        self._write_config(f'[app]\nlisten = "{self.app[7:]}"\n')
        self.agent = self._new_agent("--app", str(file))
        self.agent.start()

    def start_with_usb(self) -> None:
        """The agent takes every board that is plugged in here."""
        self.sandbox.start()
        self._write_config(f'[serial]\nports = ["{self.directory}/*.tty"]\n')
        self.agent.start()

    def usb_board(self, name: str, settings: str) -> UsbBoard:
        """Add a device and write its boards/NAME.toml; a bare board for it, its power off."""
        self._device("add", name, "--type", "Lock", "--group", "house-7")
        boards = self.directory / "boards"
        boards.mkdir(exist_ok=True)
        file = boards / f"{name}.toml"
        file.touch(mode=0o600)
        file.write_text(f'agent = "serial"\n{settings}')
        board = UsbBoard(self.directory / name)
        self.boards.append(board)
        return board

    def flash(self, board: UsbBoard, checkout: Path = ROOT) -> subprocess.CompletedProcess[str]:
        """`tools.board flash` of a checkout, to the board that is plugged in."""
        return subprocess.run(
            [
                *(sys.executable, "-m", "tools.board", "flash"),
                *("--port", str(board.port), "--device", board.root.name),
                *("--config", str(self.config), "--boards", str(self.directory / "boards")),
            ],
            cwd=checkout,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def _write_config(self, more: str) -> None:
        self.config.touch(mode=0o600)
        self.config.write_text(
            f'[securithings]\nurl = "{self.sandbox.address}/api/v1/event"\n'
            f'[link]\nlisten = "{self.link[7:]}"\n'
            f'[console]\nlisten = "{self.console[7:]}"\n'
            f"[delivery]\nretry_base_s = 0.2\nretry_cap_s = 1\n{more}"
        )

    def close(self) -> None:
        for board in self.boards:
            board.kill()
        self.agent.kill()
        self.sandbox.kill()

    def thingwarden(self, *arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
        """Run the command line in another process, `answer` on its stdin."""
        return subprocess.run(
            [sys.executable, "-m", "host_agent", *arguments, "--config", str(self.config)],
            input=answer,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )

    def _device(self, *arguments: str) -> None:
        """`thingwarden device ...` in this process, where it need not be imported anew."""
        app(
            ["device", *arguments, "--config", str(self.config)],
            exit_on_error=False,
            result_action="return_value",
        )

    def board(self, name: str, *inputs: dict[str, Any], **settings: Any) -> SimulatedBoard:
        """Add a device and provision a board for it, with its power still off."""
        self._device("add", name, "--type", "Lock", "--group", "house-7")
        file = self.directory / f"{name}.json"
        self._device("config", name, "--agent", self.link, "--out", str(file))
        config = json.loads(file.read_text())
        config.update(inputs=list(inputs), wifi={"ssid": "simulated", "password": ""}, **settings)
        board = SimulatedBoard(self.directory / name, config, millivolts={34: 715})
        self.boards.append(board)
        return board

    def door(
        self, name: str, guardiankey: Mapping[str, str] | None = None, **access: Any
    ) -> SimulatedBoard:
        """A board with a lock, an account at GuardianKey, and a keypad unless `access` has another
        reader; its power is off. `guardiankey` and `access` go into these sections."""
        self._device("add", name, "--type", "Lock", "--group", "house-7")
        file = self.directory / f"{name}.json"
        self._device("config", name, "--agent", self.link, "--door", "--out", str(file))
        config = json.loads(file.read_text())
        config.update(inputs=[], wifi={"ssid": "simulated", "password": ""}, poll_s=1)
        config["guardiankey"] |= guardiankey or {}
        reader = {} if "wiegand" in access else {"keypad": KEYPAD}
        config["access"] = {"lock": {"pin": LOCK_PIN, "open_ms": 500}, **reader, **access}
        board = SimulatedBoard(self.directory / name, config)
        self.boards.append(board)
        return board

    def guardiankey_events(self) -> list[dict[str, Any]]:
        """What GuardianKey has got so far, in order of arrival."""
        answer = requests.get(f"{self.sandbox.address}/sandbox/guardiankey/events", timeout=40)
        return list(answer.json()["events"])

    def guardiankey_fault(self, *faults: dict[str, Any]) -> None:
        """Make GuardianKey misbehave."""
        url = f"{self.sandbox.address}/sandbox/guardiankey/faults"
        requests.post(url, json=list(faults), timeout=40).raise_for_status()

    def received(self) -> list[dict[str, Any]]:
        """The bodies that the cloud has got so far, in order of arrival."""
        answer = requests.get(f"{self.sandbox.address}/sandbox/events", timeout=40)
        return [entry["body"] for entry in answer.json()["events"]]

    def received_ids(self) -> list[str]:
        """Their identities `boot:seq`."""
        return [body["EXT_EVT_ID"].split(":", 1)[1] for body in self.received()]

    def wait_for(self, ids: list[str]) -> None:
        """Until the cloud has every one of these identities `boot:seq`."""
        wait_until(
            lambda: set(ids) <= set(self.received_ids()),
            f"not all of {len(ids)} events arrived; agent: {self.agent.output()[-1500:]}",
        )

    def fault(self, *faults: dict[str, Any]) -> None:
        """Make the cloud misbehave."""
        url = f"{self.sandbox.address}/sandbox/faults"
        requests.post(url, json=list(faults), timeout=40).raise_for_status()

    def heal(self) -> None:
        """The cloud behaves again."""
        requests.delete(f"{self.sandbox.address}/sandbox/faults", timeout=40).raise_for_status()

    def metric(self, line: str) -> float:
        """The value of one line of /metrics, 0 if it is not there."""
        text = requests.get(f"{self.console}/metrics", timeout=40).text
        values = [row.rsplit(" ", 1)[1] for row in text.splitlines() if row.startswith(line + " ")]
        return float(values[0]) if values else 0.0
