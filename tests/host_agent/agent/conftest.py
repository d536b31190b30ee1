"""The agent as a real process, started from an agent.toml, against the local cloud."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from host_agent.store import Store

API_KEY = "account-17"
API_SECRET = "correct horse battery staple"
DEADLINE_S = 20.0


def eventually(check: Callable[[], Any], what: str) -> Any:
    """The first true result of `check`, within a deadline."""
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        if result := check():
            return result
        time.sleep(0.01)
    raise AssertionError(f"not within {DEADLINE_S} s: {what}")


class Agent:
    """One `thingwarden run` in `directory`."""

    def __init__(self, directory: Path, log: Path, environment: dict[str, str]) -> None:
        self._log = log
        with self._log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "host_agent", "run"],
                cwd=directory,
                env=os.environ | environment,
                stderr=stderr,
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def started(self) -> "Agent":
        """Wait until it listens."""

        def urls() -> tuple[str, str] | None:
            assert self.process.poll() is None, self.log
            link = re.findall(r"device link on (\S+)", self.log)
            console = re.findall(r"console on (\S+)", self.log)
            return (link[0], console[0]) if link and console else None

        self.link, self.console = eventually(urls, "the agent listens")
        return self

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        """(status, text) of a page of the console."""
        request = urllib.request.Request(self.console + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        """The exit code."""
        return self.process.wait(DEADLINE_S)

    def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return self.wait()


@pytest.fixture
def environment() -> dict[str, str]:
    return {"THINGWARDEN_API_KEY": API_KEY, "THINGWARDEN_API_SECRET": API_SECRET}


@pytest.fixture
def configure(tmp_path: Path, cloud) -> Callable[..., None]:
    """Writes agent.toml: free ports, the local cloud, and settings per table."""

    def configure(**tables: dict[str, object]) -> None:
        settings: dict[str, dict[str, object]] = {
            "securithings": {"url": cloud.url},
            "link": {"listen": "127.0.0.1:0"},
            "console": {"listen": "127.0.0.1:0"},
        }
        for name, fields in tables.items():
            settings[name] = settings.get(name, {}) | fields
        lines = []
        for name, fields in settings.items():
            lines.append(f"[{name}]")
            lines += [f"{field} = {json.dumps(value)}" for field, value in fields.items()]
        (tmp_path / "agent.toml").write_text("\n".join(lines))

    configure()
    return configure


@pytest.fixture
def launch(
    tmp_path: Path,
    configure,  # noqa: ARG001 (there must be an agent.toml)
    environment: dict[str, str],
) -> Iterator[Callable[[], Agent]]:
    """Starts the agent, without waiting for it; none outlives the test."""
    agents: list[Agent] = []

    def launch() -> Agent:
        log = tmp_path / f"agent-{len(agents)}.log"
        agents.append(Agent(tmp_path, log, environment))
        return agents[-1]

    yield launch
    for agent in agents:
        with contextlib.suppress(ProcessLookupError):
            agent.process.kill()
        agent.process.wait()


@pytest.fixture
def agent(launch) -> Agent:
    return launch().started()


@pytest.fixture
def board(tmp_path: Path, make_board):
    """The board of a device that the agent will know when it starts."""
    with Store.open(tmp_path / "thingwarden.db") as store:
        return make_board("door", store.add_device("door", "Lock", "hq").key)


@pytest.fixture(name="eventually")
def eventually_fixture() -> Callable[..., Any]:
    return eventually
