"""`make demo`: real firmware, the agent and a stand-in for the cloud, every event shown on its way.

The last line on stdout is one JSON object with what was captured, delivered, doubled and lost; the
exit code is 0 only if every captured event arrived exactly once.
"""

import argparse
import json
import math
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import requests
from rich.console import Console
from rich.text import Text

from host_agent.errors import ThingWardenError
from host_agent.store import Store
from tools.server_process import ServerProcess
from tools.simulator import SimulatedBoard

_CREDENTIALS = {
    "SANDBOX_API_KEY": "demo-key",
    "SANDBOX_API_SECRET": "demo-secret",
    "THINGWARDEN_API_KEY": "demo-key",
    "THINGWARDEN_API_SECRET": "demo-secret",
}
_BUTTON_PIN, _SENSOR_PIN = 14, 34
_INPUTS: dict[str, dict[str, object]] = {
    "front-button": {"kind": "button", "name": "button", "pin": _BUTTON_PIN, "pull": "up"},
    "thermometer": {
        "kind": "analog",
        "name": "temperature",
        "pin": _SENSOR_PIN,
        "scale": 0.1,
        "offset": -50,
        "min_change": 0.3,
        "every_ms": 500,
    },
}
_WARM_MV = 715.0
_DRAIN_S = 20


class DemoError(ThingWardenError):
    """A step of the demo's set-up failed."""


class Journeys:
    """When each event was captured by its board and received by the cloud, in Unix milliseconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._captured: dict[str, float] = {}
        self._received: dict[str, float] = {}
        self._arrivals: Counter[str] = Counter()

    def captured(self, device: str, line: str, at_s: float) -> None:
        """A line of a board's console; `captured BOOT:SEQ ...` begins a journey."""
        words = line.split(" ", 2)
        if words[0] == "captured":
            with self._lock:
                self._captured[f"{device}:{words[1]}"] = at_s * 1000

    def received(self, event: str, at_ms: float) -> float | None:
        """The cloud has the event; milliseconds since its capture, None if unknown."""
        with self._lock:
            self._arrivals[event] += 1
            self._received.setdefault(event, at_ms)
            start = self._captured.get(event)
        return None if start is None else max(0.0, at_ms - start)

    def captured_at(self, event: str) -> float | None:
        with self._lock:
            return self._captured.get(event)

    def all_arrived(self) -> bool:
        with self._lock:
            return self._captured.keys() <= self._received.keys()

    def summary(self) -> dict[str, float]:
        """The last line of the demo."""
        with self._lock:
            times = sorted(
                max(0.0, self._received[event] - start)
                for event, start in self._captured.items()
                if event in self._received
            )
            return {
                "captured": len(self._captured),
                "delivered": len(self._received),
                "duplicates": self._arrivals.total() - len(self._arrivals),
                "lost": len(self._captured.keys() - self._received.keys()),
                "p50_ms": _percentile(times, 0.50),
                "p99_ms": _percentile(times, 0.99),
            }


def _percentile(ascending: list[float], share: float) -> float:
    if not ascending:
        return 0.0
    return round(ascending[max(0, math.ceil(share * len(ascending)) - 1)], 1)


def _thingwarden(config: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "host_agent", *arguments, "--config", str(config)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise DemoError(f"thingwarden {arguments[0]}: {run.stderr.strip()}")


def _write_settings(directory: Path, sandbox: str) -> Path:
    config = directory / "agent.toml"
    config.touch(mode=0o600)
    config.write_text(
        f'[securithings]\nurl = "{sandbox}/api/v1/event"\n'
        '[link]\nlisten = "127.0.0.1:0"\n[console]\nlisten = "127.0.0.1:0"\n'
        '[store]\npath = "thingwarden.db"\n'
    )
    return config


def _add_board(config: Path, name: str, link: str, journeys: Journeys) -> SimulatedBoard:
    """Provision a board as a person does, and give it the demo's one input."""
    root = config.parent / name
    root.mkdir()
    _thingwarden(config, "device", "add", name, "--type", name.rpartition("-")[2].title())
    settings = root / "config.json"
    _thingwarden(config, "device", "config", name, "--agent", link, "--out", str(settings))
    content: dict[str, Any] = json.loads(settings.read_text())
    content["inputs"] = [_INPUTS[name]]
    content["wifi"] = {"ssid": "simulated", "password": ""}
    return SimulatedBoard(
        root,
        content,
        on_line=lambda line, at_s: journeys.captured(name, line, at_s),
        millivolts={_SENSOR_PIN: _WARM_MV},
    )


def _press_now_and_then(board: SimulatedBoard, stop: threading.Event) -> None:
    while not stop.wait(random.uniform(0.2, 1.0)):  # noqa: S311 - a demo's rhythm
        board.press(_BUTTON_PIN)


def _warm_and_cool(board: SimulatedBoard, stop: threading.Event) -> None:
    millivolts = _WARM_MV
    while not stop.wait(0.5):
        millivolts += random.uniform(-8, 8)  # noqa: S311 - a demo's weather
        board.millivolts(_SENSOR_PIN, millivolts)


class Watch:
    """Shows each event that the sandbox received, with the time every step took."""

    def __init__(self, console: Console, sandbox: str, store: Store, journeys: Journeys) -> None:
        self._console = console
        self._url = f"{sandbox}/sandbox/events"
        self._store = store
        self._journeys = journeys
        self._next = 0

    def step(self) -> None:
        """Wait up to half a second for news and show them."""
        answer = requests.get(self._url, params={"after": self._next, "wait": 0.5}, timeout=10)
        news = answer.json()
        self._next = news["next"]
        for entry in news["events"]:
            self._show(entry["body"], entry["received_ms"])

    def _show(self, body: dict[str, Any], received_ms: float) -> None:
        event = body["EXT_EVT_ID"]
        total = self._journeys.received(event, received_ms)
        params = " ".join(f"{p['NAME']}={p['VALUE']}" for p in body.get("PARAMS", []))
        row = Text()
        row.append(time.strftime("%H:%M:%S "), style="dim")
        row.append(f"{body['DEVICE_ID']:<13}", style="cyan")
        row.append(f"{body['TYPE'] + ' ' + params:<37}")
        row.append(self._stages(event, total), style="green")
        self._console.print(row, soft_wrap=True)

    def _stages(self, event: str, total: float | None) -> str:
        if total is None:
            return " board -> agent -> cloud"
        start = self._journeys.captured_at(event) or 0.0
        device, boot, seq = event.split(":")
        for stored in self._store.events(device=device, limit=20):
            if (stored.boot, stored.seq) == (int(boot), int(seq)):
                agent = max(0.0, stored.accepted_ms - start)
                return f" board -> agent {agent:4.0f} ms -> cloud {total:4.0f} ms"
        return f" board -> agent -> cloud {total:4.0f} ms"


def run(
    seconds: float | None, directory: Path, console: Console, ended: threading.Event
) -> dict[str, float]:
    """Run the loop for so many seconds, or until `ended`; the summary."""
    journeys = Journeys()
    with ExitStack() as stack:
        sandbox = stack.enter_context(
            ServerProcess(
                ["tools.sandbox", "--listen", "127.0.0.1:0"],
                log=directory / "sandbox.log",
                says="listening on",
                env=_CREDENTIALS,
            )
        )
        config = _write_settings(directory, sandbox.address)
        agent = stack.enter_context(
            ServerProcess(
                ["host_agent", "run", "--config", str(config)],
                log=directory / "agent.log",
                says="device link on",
                env=_CREDENTIALS,
            )
        )
        boards = [_add_board(config, name, agent.address, journeys) for name in _INPUTS]
        for board in boards:
            stack.enter_context(board)
        store = Store.open(directory / "thingwarden.db")
        stack.callback(store.close)
        console.print(
            f"[bold]ThingWarden[/] 2 simulated boards -> agent {agent.address}"
            f" -> sandbox {sandbox.address}   Ctrl-C ends",
            highlight=False,
            soft_wrap=True,
        )
        stimuli = [
            threading.Thread(target=_press_now_and_then, args=(boards[0], ended)),
            threading.Thread(target=_warm_and_cool, args=(boards[1], ended)),
        ]
        for stimulus in stimuli:
            stimulus.start()
        watch = Watch(console, sandbox.address, store, journeys)
        try:
            _until(watch, ended.is_set, seconds)
        finally:
            ended.set()
            for stimulus in stimuli:
                stimulus.join()
        console.print("ending; waiting for what is under way", style="dim")
        _until(watch, journeys.all_arrived, _DRAIN_S)
    return journeys.summary()


def _until(watch: Watch, done: Any, seconds: float | None) -> None:
    deadline = None if seconds is None else time.monotonic() + seconds
    while not done() and (deadline is None or time.monotonic() < deadline):
        watch.step()


def main() -> int:
    """0 only if every captured event arrived, once."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--seconds", type=float, help="stop by itself after so long")
    arguments = parser.parse_args()
    ended = threading.Event()

    def end(number: int, _: object) -> None:
        """The first signal ends the demo in order, the second one at once."""
        ended.set()
        signal.signal(number, signal.default_int_handler)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    with tempfile.TemporaryDirectory(prefix="thingwarden-demo-") as directory:
        try:
            summary = run(arguments.seconds, Path(directory), Console(), ended)
        except ThingWardenError as error:
            print(error, file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("ended before everything had arrived", file=sys.stderr)
            return 130
    print(json.dumps(summary), flush=True)
    clean = not summary["lost"] and not summary["duplicates"]
    return 0 if clean and summary["captured"] == summary["delivered"] > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
