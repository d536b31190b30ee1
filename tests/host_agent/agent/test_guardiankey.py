"""The whole agent between boards with doors and GuardianKey."""

import asyncio
import base64
import json
import signal
import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from host_agent.guardiankey.envelope import encrypted
from host_agent.guardiankey.event import Attempt, event_text
from host_agent.guardiankey.notification import MAX_BODY_BYTES
from host_agent.store import AttemptVerdict, Store
from host_agent.webhook import MAX_CONNECTIONS
from tests.host_agent.guardiankey_sender import PATH, Sender


@pytest.fixture
def settings(account, tmp_path: Path) -> dict[str, object]:
    """[guardiankey] with a webhook that locks the door down."""
    account.save(tmp_path / "guardiankey.toml")
    return {
        "account": "guardiankey.toml",
        "webhook": "127.0.0.1:0",
        "lockdown_on": ["BLOCK"],
        "lockdown_devices": ["*"],
    }


@pytest.fixture
def with_webhook(board, configure, launch, settings):  # noqa: ARG001 (its device has a door)
    """A running agent, and what GuardianKey sends it."""
    configure(guardiankey=settings)
    return launch().started()


@pytest.fixture
def sender(with_webhook, account) -> Sender:
    return Sender(account, with_webhook.webhook)


def attempt(account, number: int) -> dict[str, object]:
    """As a board sends it."""
    event = event_text(account, Attempt("anna", client_ip="10.0.0.7"), int(time.time()))
    message = encrypted(account, event)
    return {"id": number, "authGroupId": account.auth_group_id, "message": message, "ask": True}


def notifications(directory: Path) -> list[str]:
    with Store.open(directory / "thingwarden.db") as store:
        return [kept.event_id for kept in store.notifications()]


def test_an_attempt_is_judged_over_tls_and_kept(
    board, configure, launch, judge, account, tmp_path: Path
) -> None:
    configure(guardiankey={"api": judge, "ca": "authority.pem"})
    agent = launch().started()
    assert board.report(agent.link, attempt=attempt(account, 1))["verdict"] == {
        "id": 1,
        "response": "ACCEPT",
        "retry": False,
    }
    with Store.open(tmp_path / "thingwarden.db") as store:
        (kept,) = store.attempts("door")
    assert (kept.verdict.attempt, kept.verdict.response) == (1, "ACCEPT")


def test_a_judge_that_cannot_prove_itself_gives_no_verdict(
    board, configure, launch, judge, account
) -> None:
    configure(guardiankey={"api": judge})
    agent = launch().started()
    verdict = board.report(agent.link, attempt=attempt(account, 1))["verdict"]
    assert (verdict["response"], verdict["retry"]) == ("ERROR", True)
    status, text = agent.get("/readyz")
    assert status == 503
    assert "GuardianKey cannot be asked" in text


def test_a_notification_is_kept_once_and_listed(sender, with_webhook, tmp_path: Path) -> None:
    body = sender.body(eventId="e-1")
    assert sender.post(body).status == 200
    assert sender.post(body).status == 403
    assert notifications(tmp_path) == ["e-1"]
    metrics = with_webhook.get("/metrics")[1]
    assert 'thingwarden_notifications_total{result="accepted"} 1.0' in metrics
    assert 'thingwarden_notifications_total{result="duplicate"} 1.0' in metrics


def test_a_notification_survives_kill_9_and_is_not_taken_again(
    sender, with_webhook, launch, tmp_path: Path
) -> None:
    body = sender.body(eventId="e-1")
    assert sender.post(body).status == 200
    with_webhook.send(signal.SIGKILL)
    with_webhook.wait()
    sender.url = launch().started().webhook
    assert sender.post(body).status == 403
    assert notifications(tmp_path) == ["e-1"]


def test_a_notification_locks_the_door_down_until_a_person_releases_it(
    board, sender, with_webhook, tmp_path: Path, eventually
) -> None:
    with Store.open(tmp_path / "thingwarden.db") as store:
        held = store.add_credential("door", "anna", "code", "", "2468")
        here = [held.list, held.rev]
        eventually(lambda: "access" not in board.report(with_webhook.link, access=here), "known")
        assert sender.notify(event_response="BLOCK", eventId="e-1").status == 200
        change = board.report(with_webhook.link, access=here)["access"]
        assert change["lockdown"] is True
        assert with_webhook.output().count("lockdown of door: ") == 1
        store.set_lockdown("door", False)
        eventually(
            lambda: not board.report(with_webhook.link, access=here)["access"]["lockdown"],
            "the board is told of the release",
        )


@pytest.mark.parametrize(("settings", "days"), [({}, 90), ({"keep_days": 3}, 3)])
def test_what_is_older_than_keep_days_leaves_the_store(
    board, configure, launch, tmp_path: Path, eventually, settings, days: int
) -> None:
    def kept() -> list[int]:
        with Store.open(tmp_path / "thingwarden.db") as store:
            return [found.verdict.attempt for found in store.attempts(board.device)]

    async def judged(store: Store) -> None:
        now = time.time_ns() // 1_000_000
        for number, age in ((1, days + 1), (2, days - 1)):
            received_ms = now - age * 86_400_000
            verdict = AttemptVerdict(number, bytes(32), "ACCEPT", received_ms=received_ms)
            await store.record_verdict(board.device, verdict)

    with Store.open(tmp_path / "thingwarden.db") as store:
        asyncio.run(judged(store))
    assert kept() == [2, 1]
    configure(guardiankey=settings)
    launch().started()
    eventually(lambda: kept() == [2], "the old one is gone")


def test_rubbish_is_answered_and_leaves_no_trace_of_secrets(sender, with_webhook, account) -> None:
    garbled = bytearray(base64.b64decode(str(sender.outer()["data"])))
    garbled[5] ^= 1
    outer = sender.outer()
    bodies = [
        b"hello",
        b"\xff" * 100,
        b"{" * 60_000,
        json.dumps(outer | {"authGroupId": True}).encode(),
        json.dumps(outer | {"authGroupId": "another"}).encode(),
        json.dumps(outer | {"data": str(outer["data"])[:-3]}).encode(),
        json.dumps(outer | {"data": base64.b64encode(garbled).decode()}).encode(),
        sender.body(generatedTime=1),
    ]
    answers = [sender.post(body).status for body in bodies]
    assert answers == [400, 400, 400, 400, 403, 400, 403, 403]
    with socket.create_connection(
        with_webhook.webhook.removeprefix("http://").split(":"), timeout=20
    ) as connection:
        head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n"
        connection.sendall(head.encode())
        assert b" 413 " in connection.recv(4096).splitlines()[0]
    assert sender.notify().status == 200
    assert with_webhook.stop() == 0
    log = with_webhook.output()
    assert "Traceback" not in log
    secrets = [account.key_text, account.iv_text, account.key.hex(), "a secret token"]
    assert not [secret for secret in [*secrets, str(outer["data"])[:20]] if secret in log]


def test_sigterm_lets_a_notification_under_way_finish(sender, with_webhook, tmp_path: Path) -> None:
    body = sender.body(eventId="e-1")
    address = with_webhook.webhook.removeprefix("http://").split(":")
    with socket.create_connection(address, timeout=60) as connection:
        head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: "
        connection.sendall(f"{head}{len(body)}\r\n\r\n".encode())
        assert b"100 Continue" in connection.recv(4096)
        with_webhook.send(signal.SIGTERM)
        connection.sendall(body)
        assert b" 200 " in connection.recv(4096).splitlines()[0]
    assert with_webhook.wait() == 0
    assert notifications(tmp_path) == ["e-1"]


def test_the_webhook_bounds_what_slow_bodies_may_hold(with_webhook, eventually) -> None:
    host, port = with_webhook.webhook.removeprefix("http://").split(":")
    assert MAX_CONNECTIONS * MAX_BODY_BYTES <= 32 << 20
    with ExitStack() as stack:
        for _ in range(MAX_CONNECTIONS + 1):
            last = stack.enter_context(socket.create_connection((host, int(port)), timeout=60))
        with suppress(ConnectionError):
            assert last.recv(1) == b""
        busy = 'thingwarden_notifications_total{result="busy"} 1.0'
        eventually(lambda: busy in with_webhook.get("/metrics")[1], "it is counted")


def test_without_a_webhook_nothing_listens_for_one(agent) -> None:
    assert agent.webhook == ""
    agent.console = agent.link
    assert agent.get(PATH)[0] == 404


def test_a_lockdown_of_a_door_that_is_not_there_makes_it_unready(
    configure, launch, settings, tmp_path: Path, eventually
) -> None:
    configure(guardiankey=settings | {"lockdown_devices": ["front"]})
    agent = launch().started()
    status, text = agent.get("/readyz")
    assert status == 503
    assert "lockdown_devices: there is no device front" in text
    with Store.open(tmp_path / "thingwarden.db") as store:
        store.add_device("front", "Lock")
    eventually(lambda: agent.get("/readyz")[0] == 200, "the agent knows the door")


@pytest.mark.parametrize(
    ("field", "file", "content", "told"),
    [
        ("account", "gone.toml", None, "there is no"),
        ("account", "bad.toml", "agent_id = 5\n", "organization_id is missing"),
        ("account", "bad.toml", "[[[", "is not TOML"),
        ("ca", "gone.pem", None, "gone.pem"),
        ("ca", "bad.pem", "no certificate", "bad.pem"),
    ],
)
def test_a_file_that_cannot_be_used_is_told(
    configure, launch, tmp_path: Path, field: str, file: str, content: str | None, told: str
) -> None:
    if content is not None:
        (tmp_path / file).write_text(content)
    configure(guardiankey={field: file})
    agent = launch()
    assert agent.refused() == 2
    (line,) = [line for line in agent.output().splitlines() if "thingwarden: " in line]
    assert f"[guardiankey] {field}: " in line and told in line and file in line
    assert "Traceback" not in agent.output()
