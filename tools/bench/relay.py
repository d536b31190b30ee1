"""What the agent adds to a verdict of GuardianKey: sandbox and agent run as processes, and this one
asks in turns straight and as a board does, over kept-alive connections on loopback."""

import http.client
import json
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from host_agent.guardiankey import Account
from host_agent.guardiankey.envelope import v1
from host_agent.guardiankey.event import Attempt, event_text
from host_agent.link.frames import open_reply, seal_report
from host_agent.link.http import MEDIA_TYPE
from host_agent.store import Device, Store
from tools.server_process import ServerProcess

ATTEMPTS = 1000
TARGET_MS = 10.0

_WARM_UP = 50
_ACCOUNT = Account(
    agent_id="agent",
    organization_id="organization",
    auth_group_id="bench",
    key=bytes(range(32)),
    iv=bytes(16),
)


def measure(attempts: int) -> tuple[list[float], list[float]]:
    """Seconds until the verdict, each list ascending: asked straight, and through the agent."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        sandbox = _sandbox(directory)
        with sandbox:
            device = _set_up(directory, sandbox.address)
            agent = ServerProcess(
                ["host_agent", "run", "--config", str(directory / "agent.toml")],
                log=directory / "agent.log",
                says="device link on",
            )
            with agent:
                straight = _Straight(sandbox.address)
                board = _Board(agent.address, device)
                took = [(straight.ask(n), board.ask(n)) for n in range(_WARM_UP + attempts)]
    alone, relayed = zip(*took[_WARM_UP:], strict=True)
    return sorted(alone), sorted(relayed)


def main() -> None:
    """Print the figures of one run."""
    straight, relayed = measure(ATTEMPTS)
    usual = median(straight)
    print(f"straight to GuardianKey (here the sandbox): median {usual * 1000:.2f} ms")
    for name, share in (("median", 0.5), ("p90", 0.9), ("p99", 0.99)):
        added = relayed[int(len(relayed) * share)] - usual
        print(f"{name:7}{added * 1000:7.2f} ms more through the agent")
    print(f"the budget of p99 is {TARGET_MS:.0f} ms")


def _sandbox(directory: Path) -> ServerProcess:
    accounts = directory / "accounts.json"
    account = {
        "auth_group_id": _ACCOUNT.auth_group_id,
        "organization_id": _ACCOUNT.organization_id,
        "key": b64encode(_ACCOUNT.key).decode(),
        "iv": b64encode(_ACCOUNT.iv).decode(),
    }
    accounts.write_text(json.dumps([account]))
    command = ["tools.sandbox", "--listen", "127.0.0.1:0", "--accounts", str(accounts)]
    return ServerProcess(command, log=directory / "sandbox.log", says="listening on")


def _set_up(directory: Path, api: str) -> Device:
    """The agent's settings, and a door in its store."""
    (directory / "agent.toml").write_text(
        f"""
        [securithings]
        url = "{api}/api/v1/event"
        api_key = "demo-key"
        api_secret = "demo-secret"
        [link]
        listen = "127.0.0.1:0"
        [console]
        listen = "127.0.0.1:0"
        [guardiankey]
        api = "{api}"
        """
    )
    (directory / "agent.toml").chmod(0o600)
    with Store.open(directory / "thingwarden.db") as store:
        return store.add_device("door", "Lock")


class _Straight:
    """A client of GuardianKey's API."""

    def __init__(self, url: str) -> None:
        self._connection = _connection(url)

    def ask(self, number: int) -> float:
        body = json.dumps(_message(f"straight {number}")).encode()
        headers = {"Content-Type": "application/json"}
        return _timed(self._connection, "/checkaccess", body, headers, json.loads)


class _Board:
    """The board's end of the link."""

    def __init__(self, url: str, device: Device) -> None:
        self._connection = _connection(url)
        self._device = device

    def ask(self, number: int) -> float:
        message = _message(f"relayed {number}")
        attempt = {"id": number, "authGroupId": message["id"], "message": message["message"]}
        report = {"boot": 1, "frame": number + 1, "attempt": attempt | {"ask": True}}
        name, key = self._device.name, self._device.key
        frame = seal_report(name, key, json.dumps(report).encode()).encode()

        def verdict(body: bytes) -> dict[str, str]:
            opened: dict[str, dict[str, str]] = json.loads(open_reply(body, name, key))
            return opened["verdict"]

        return _timed(self._connection, "/v1/frames", frame, {"Content-Type": MEDIA_TYPE}, verdict)


def _connection(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)


def _message(user: str) -> dict[str, str]:
    return v1(_ACCOUNT, event_text(_ACCOUNT, Attempt(user), int(time.time())))


def _timed(
    connection: http.client.HTTPConnection,
    path: str,
    body: bytes,
    headers: dict[str, str],
    verdict: Callable[[bytes], dict[str, str]],
) -> float:
    """Seconds of one request, whose answer is to be ACCEPT."""
    started = time.perf_counter()
    connection.request("POST", path, body, headers)
    answer = connection.getresponse().read()
    took_s = time.perf_counter() - started
    if verdict(answer)["response"] != "ACCEPT":
        raise RuntimeError(f"not accepted: {verdict(answer)}")
    return took_s
