"""`make demo`: real firmware, the agent, stand-ins for both clouds; every event shown on its way.

The last line on stdout is one JSON object with what was captured, delivered, doubled and lost, and
what the door did; the exit code is 0 only if every captured event arrived exactly once and the door
opened for the good code alone.
"""

import argparse
import json
import re
import secrets
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console

from host_agent.errors import ThingWardenError
from host_agent.store import Store
from tools.demo import boards
from tools.demo.door import CODE, USER, Visitors
from tools.demo.journeys import Journeys
from tools.demo.watch import Watch
from tools.server_process import ServerProcess, free_port

_CREDENTIALS = {
    "SANDBOX_API_KEY": "demo-key",
    "SANDBOX_API_SECRET": "demo-secret",
    "THINGWARDEN_API_KEY": "demo-key",
    "THINGWARDEN_API_SECRET": "demo-secret",
}
_DRAIN_S = 20


def run(
    seconds: float | None, directory: Path, console: Console, ended: threading.Event
) -> dict[str, float]:
    """Run the loop for so many seconds, or until `ended`; the summary. Raises DemoError."""
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
        config = _set_up(directory, sandbox.address)
        password = secrets.token_urlsafe(12)
        boards.thingwarden(config, "user", "add", "demo", answer=f"{password}\n")
        agent = stack.enter_context(
            ServerProcess(
                ["host_agent", "run", "--config", str(config)],
                log=directory / "agent.log",
                says="console on",
                env=_CREDENTIALS,
            )
        )
        (link,) = re.findall(r"device link on (\S+)", agent.output())
        button, sensor, door = [
            boards.add_board(config, name, link, journeys.captured) for name in boards.SETTINGS
        ]
        boards.thingwarden(config, "access", "add", "office-door", USER, answer=f"{CODE}\n")
        for board in (button, sensor, door):
            stack.enter_context(board)
        store = Store.open(directory / "thingwarden.db")
        stack.callback(store.close)
        console.print(
            f"[bold]ThingWarden[/] 3 simulated boards -> agent {link}"
            f" -> sandbox {sandbox.address}   Ctrl-C ends\n"
            f"[bold]console[/] {agent.address}/ for user demo, password {password}",
            highlight=False,
            soft_wrap=True,
        )
        visitors = Visitors(door)
        stimuli = [
            threading.Thread(target=boards.press_now_and_then, args=(button, ended)),
            threading.Thread(target=boards.warm_and_cool, args=(sensor, ended)),
            threading.Thread(target=visitors.run, args=(ended,)),
        ]
        for stimulus in stimuli:
            stimulus.start()
        watch = Watch(console, sandbox.address, store, journeys)
        try:
            _until(watch, ended.is_set, seconds)
        finally:
            ended.set()
        console.print("ending; waiting for what is under way", style="dim")
        _until(watch, lambda: not any(map(threading.Thread.is_alive, stimuli)), None)
        for stimulus in stimuli:
            stimulus.join()
        _until(watch, lambda: journeys.all_arrived() and watch.notifications > 0, _DRAIN_S)
        if not visitors.as_they_should():
            raise boards.DemoError(f"the door did not do as it should: {visitors.summary()}")
    return journeys.summary() | visitors.summary() | {"notifications": watch.notifications}


def _set_up(directory: Path, sandbox: str) -> Path:
    """agent.toml, and an account at GuardianKey whose notifications reach the agent."""
    config = directory / "agent.toml"
    webhook = f"127.0.0.1:{free_port()}"
    config.touch(mode=0o600)
    config.write_text(
        f'[securithings]\nurl = "{sandbox}/api/v1/event"\n'
        '[link]\nlisten = "127.0.0.1:0"\n[console]\nlisten = "127.0.0.1:0"\n'
        '[store]\npath = "thingwarden.db"\n'
        f'[guardiankey]\napi = "{sandbox}"\n'
    )
    notify = f"http://{webhook}/v1/guardiankey/notifications"
    account = ["--webhook", notify, "--out", str(directory / "guardiankey.toml")]
    boards.thingwarden(config, "guardiankey", "register", "demo@example.com", *account)
    with config.open("a") as settings:
        settings.write(f'account = "guardiankey.toml"\nwebhook = "{webhook}"\n')
    return config


def _until(watch: Watch, done: Callable[[], Any], seconds: float | None) -> None:
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
    told = summary["notifications"] > 0
    return 0 if clean and told and summary["captured"] == summary["delivered"] > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
