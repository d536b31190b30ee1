"""The agent as a real process, started from an agent.toml, against the local cloud."""

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from host_agent.store import Store
from tests.certificates import Authority
from tools.server_process import ServerError, ServerProcess

EXIT_S = 60


class Agent(ServerProcess):
    """One `thingwarden run`."""

    def __init__(
        self, config: Path, log: Path, environment: dict[str, str], *arguments: str
    ) -> None:
        super().__init__(
            ["host_agent", "run", "--config", str(config), *arguments],
            log=log,
            says="console on",
            env=environment,
        )

    def started(self) -> "Agent":
        """Start it, and wait until it listens."""
        self.start()
        self.console = self.address
        (self.link,) = re.findall(r"device link on (\S+)", self.output())
        self.webhook = "".join(re.findall(r"webhook on (\S+)", self.output()))
        return self

    def refused(self) -> int:
        """Its exit code when it does not start."""
        with pytest.raises(ServerError):
            self.start()
        return self.wait()

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        """(status, text) of a page of the console."""
        request = urllib.request.Request(self.console + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=40) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def ended(self) -> bool:
        return self._process.poll() is not None

    def wait(self) -> int:
        """Its exit code, once it has ended by itself or by a signal."""
        return self._process.wait(EXIT_S)


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
) -> Iterator[Callable[..., Agent]]:
    """launch(*arguments) makes an agent, which is not started yet; none outlives the test."""
    agents: list[Agent] = []

    def launch(*arguments: str) -> Agent:
        log = tmp_path / f"agent-{len(agents)}.log"
        agents.append(Agent(tmp_path / "agent.toml", log, environment, *arguments))
        return agents[-1]

    yield launch
    for agent in agents:
        agent.kill()


@pytest.fixture
def judge(account, tmp_path: Path) -> Iterator[str]:
    """The URL of a GuardianKey that speaks TLS, for which authority.pem vouches; it knows the
    account, and blocks mallory."""
    names = ("auth_group_id", "organization_id")
    known = {name: getattr(account, name) for name in names}
    known |= {"key": account.key_text, "iv": account.iv_text, "blocked_users": ["mallory"]}
    accounts = tmp_path / "accounts.json"
    accounts.write_text(json.dumps([known]))
    pem = Authority(tmp_path).certificate()
    options = f"--accounts {accounts} --certificate {pem} --private-key {pem}"
    with ServerProcess(
        ["tools.sandbox", "--listen", "127.0.0.1:0", *options.split()],
        log=tmp_path / "sandbox.log",
        says="listening on",
    ) as sandbox:
        yield sandbox.address


@pytest.fixture
def agent(launch) -> Agent:
    return launch().started()


@pytest.fixture
def thingwarden(tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """thingwarden(*arguments) is a command in a process of its own, beside the running agent."""
    return lambda *arguments: subprocess.run(
        [sys.executable, "-m", "host_agent", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def board(tmp_path: Path, make_board):
    """The board of a device that the agent will know when it starts."""
    with Store.open(tmp_path / "thingwarden.db") as store:
        return make_board("door", store.add_device("door", "Lock", "hq").key)
