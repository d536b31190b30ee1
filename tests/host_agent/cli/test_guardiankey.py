"""`thingwarden guardiankey` against the sandbox, with secrets from standard input only."""

import asyncio
import base64
import io
import json
import socket
import stat
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from host_agent.guardiankey import Account
from host_agent.store import Store, StoredNotification
from tools.sandbox import Account as Known
from tools.sandbox import running

ACCOUNT = Account(
    agent_id="agent-1",
    organization_id="organization-1",
    auth_group_id="group-1",
    key=b"key-" * 8,
    iv=b"iv--" * 4,
)


@pytest.fixture
def sandbox():
    known = Known("group-1", "organization-1", b"key-" * 8, b"iv--" * 4, blocked_users=("eve",))
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(running(accounts=[known])) as started,
    ):
        yield started


@pytest.fixture
def guardiankey(warden, sandbox, tmp_path: Path):
    """`thingwarden guardiankey`, with an account of the sandbox."""
    ACCOUNT.save(tmp_path / "guardiankey.toml")
    return lambda *arguments: warden("guardiankey", *arguments, "--api", sandbox.url)


@pytest.fixture
def typed(monkeypatch):
    """typed(line) is standard input."""

    def given(line: str) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(line.encode())))

    return given


def last(sandbox):
    return sandbox.guardiankey.inbox.after(0)[-1].body


def test_an_account_is_registered_and_used(warden, sandbox, tmp_path) -> None:
    outcome = warden(
        "guardiankey", "register", "admin@example.test", "--api", sandbox.url, "--out", "new.toml"
    )
    assert outcome.code == 0
    account = Account.load(tmp_path / "new.toml")
    assert stat.S_IMODE((tmp_path / "new.toml").stat().st_mode) == 0o600
    assert account.auth_group_id in outcome.out
    for secret in (account.key_text, account.iv_text):
        assert secret not in outcome.out + outcome.err
    known = sandbox.guardiankey.accounts.get(account.auth_group_id)
    assert (known.key, known.iv) == (account.key, account.iv)
    checked = warden("guardiankey", "check", "john", "--account", "new.toml", "--api", sandbox.url)
    assert checked.code == 0


def test_notifications_by_webhook(warden, sandbox, tmp_path) -> None:
    url = "https://door.example.test/notify"
    outcome = warden(
        "guardiankey", "register", "a@example.test", "--webhook", url, "--api", sandbox.url
    )
    assert outcome.code == 0
    group = Account.load(tmp_path / "guardiankey.toml").auth_group_id
    assert sandbox.guardiankey.accounts.get(group).webhook_url == url


def test_notifications_by_mail_with_a_password_from_standard_input(warden, serve, typed) -> None:
    ids = b'{"authGroupId": "g", "organizationId": "o"}'
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(ids)
    endpoint = serve(lambda connection: connection.sendall(head + ids))
    typed("pass word\n")
    outcome = warden(
        "guardiankey",
        "register",
        "a@example.test",
        "--smtp-host=smtp.example.test",
        "--smtp-user=robot",
        "--api",
        endpoint.base,
    )
    assert outcome.code == 0
    assert "pass word" not in outcome.out + outcome.err
    (request,) = endpoint.requests
    data = request.decode().partition("notify_data=")[2].replace("%3D", "=")
    assert json.loads(base64.b64decode(data))["smtp_pass"] == "pass word"


def test_a_file_that_is_there_keeps_its_account(guardiankey, tmp_path) -> None:
    outcome = guardiankey("register", "a@example.test")
    assert outcome.code == 2
    assert "guardiankey.toml is there already; name another file with --out" in outcome.err
    assert Account.load(tmp_path / "guardiankey.toml") == ACCOUNT


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["admin"], "email must be an address"),
        (["a@example.test", "--webhook", "nowhere"], "webhook must be a URL"),
        (["a@example.test", "--webhook", "https://x", "--smtp-host", "y"], "either to --webhook"),
        (["a@example.test", "--smtp-user", "robot"], "--smtp-user needs --smtp-host"),
        (["a@example.test", "--out", "missing/x.toml"], "missing/x.toml cannot be written"),
        (["a@example.test", "--ca", "missing.pem"], "ca: missing.pem"),
    ],
)
def test_what_cannot_be_registered_is_told(warden, sandbox, arguments, told) -> None:
    outcome = warden("guardiankey", "register", "--api", sandbox.url, *arguments)
    assert outcome.code in (1, 2)
    assert told in outcome.err
    assert not Path("guardiankey.toml").exists()


@pytest.mark.parametrize(
    ("options", "path"), [((), "/v2/checkaccess"), (("--v1",), "/checkaccess")]
)
def test_a_check_shows_the_verdict(guardiankey, sandbox, options, path) -> None:
    outcome = guardiankey(
        "check",
        "José",
        "--email=j@example.test",
        "--ip=203.0.113.7",
        "--user-agent=Keypad 7",
        "--type=Transaction",
        "--failed",
        *options,
    )
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("response   ACCEPT\n")
    taken = last(sandbox)
    assert taken.path == path
    sent = {name: taken.event[name] for name in ("userName", "userEmail", "clientIP", "userAgent")}
    assert list(sent.values()) == ["José", "j@example.test", "203.0.113.7", "Keypad 7"]
    assert (taken.event["event_type"], taken.event["loginFailed"]) == ("Transaction", "1")


def test_a_blocked_user_ends_with_3(guardiankey) -> None:
    outcome = guardiankey("check", "eve")
    assert outcome.code == 3
    assert "BLOCK" in outcome.out
    assert "risk       100.0" in outcome.out


def test_a_verdict_as_json(guardiankey) -> None:
    outcome = guardiankey("check", "eve", "--json")
    told = json.loads(outcome.out)
    assert (outcome.code, told["response"], told["risk"]) == (3, "BLOCK", 100.0)
    assert "token" not in outcome.out


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.usefixtures("guardiankey")
def test_no_verdict_ends_with_1(warden, as_json) -> None:
    options = ["--json"] if as_json else []
    outcome = warden("guardiankey", "check", "john", "--api", "http://127.0.0.1:1", *options)
    assert outcome.code == 1
    assert "no answer from GuardianKey" in outcome.err
    assert bool(outcome.out) is as_json


def test_an_event_is_sent(guardiankey, sandbox) -> None:
    outcome = guardiankey("send", "john", "--failed")
    assert (outcome.code, outcome.out) == (0, "taken\n")
    assert last(sandbox).path == "/sendevent"
    assert last(sandbox).event["loginFailed"] == "1"


def test_an_event_is_sent_as_a_datagram(guardiankey) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as collector:
        collector.bind(("127.0.0.1", 0))
        collector.settimeout(10)
        port = collector.getsockname()[1]
        outcome = guardiankey("send", "john", "--udp", "--collector", f"127.0.0.1:{port}")
        assert (outcome.code, outcome.out) == (0, "handed to the network\n")
        assert collector.recv(65536).startswith(b"group-1|")


@pytest.mark.parametrize("collector", ["host", ":1", "host:0", "host:x", "host:99999"])
def test_a_collector_is_host_and_port(guardiankey, collector) -> None:
    outcome = guardiankey("send", "john", "--collector", collector)
    assert outcome.code == 2
    assert "--collector must be HOST:PORT" in outcome.err


def test_an_event_is_resolved_with_a_token_from_standard_input(guardiankey, sandbox, typed) -> None:
    from host_agent.guardiankey import GuardianKey

    with GuardianKey(ACCOUNT, sandbox.url) as client:
        verdict = client.check_access("john")
    typed(f"{verdict.event_token}\n")
    outcome = guardiankey("resolve", verdict.event_id, "BAD")
    assert (outcome.code, outcome.out) == (0, "resolved as BAD\n")
    assert guardiankey("check", "john").code == 3
    typed("wrong-token\n")
    refused = guardiankey("resolve", verdict.event_id, "GOOD")
    assert refused.code == 1
    assert "wrong-token" not in refused.err
    typed("")
    assert guardiankey("resolve", verdict.event_id, "GOOD").code == 2


def test_an_event_that_the_agent_was_told_needs_no_token(
    guardiankey, sandbox, tmp_path, typed
) -> None:
    from host_agent.guardiankey import GuardianKey

    with GuardianKey(ACCOUNT, sandbox.url) as client:
        verdict = client.check_access("john")
    told = StoredNotification(
        event_id=verdict.event_id,
        auth_group_id="group-1",
        user="john",
        response="NOTIFY",
        risk=None,
        service="door",
        client_ip="",
        generated_ms=0,
        received_ms=0,
        raw=json.dumps({"event_token": verdict.event_token}),
    )
    (tmp_path / "agent.toml").write_text("")
    with Store.open(tmp_path / "thingwarden.db") as store:
        asyncio.run(store.record_notification(told))
    typed("")
    assert guardiankey("resolve", verdict.event_id[:12], "BAD").code == 2
    assert guardiankey("resolve", verdict.event_id, "BAD").code == 0
    assert guardiankey("check", "john").code == 3


def test_the_settings_are_the_defaults(warden, sandbox, tmp_path) -> None:
    (tmp_path / "accounts").mkdir()
    ACCOUNT.save(tmp_path / "accounts" / "door.toml")
    (tmp_path / "agent.toml").write_text(
        f'[guardiankey]\napi = "{sandbox.url}"\naccount = "accounts/door.toml"\n'
    )
    assert warden("guardiankey", "check", "john").code == 0
    assert last(sandbox).auth_group_id == "group-1"


def test_settings_that_were_named_must_be_there(guardiankey) -> None:
    assert guardiankey("check", "john", "--config", "missing.toml").code == 2


def test_an_account_that_is_not_there_is_told(warden) -> None:
    outcome = warden("guardiankey", "check", "john")
    assert outcome.code == 1
    assert "make it with `thingwarden guardiankey register`" in outcome.err


@pytest.mark.parametrize("command", ["check", "send"])
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["jo\udcffhn"], "USER holds a lone surrogate"),
        (["john", "--ip", "nowhere"], "--ip must be an IP address"),
        (["john", "--email", "x" * 1025], "--email has 1025 characters"),
        (["john", "--user-agent", "\udcff"], "--user-agent holds a lone surrogate"),
        (["john", "--type", "x" * 1025], "--type has 1025 characters"),
    ],
)
def test_an_argument_that_cannot_be_sent_is_told(guardiankey, command, arguments, told) -> None:
    outcome = guardiankey(command, *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"thingwarden: {told}")


def test_an_event_without_an_id_cannot_be_resolved(guardiankey) -> None:
    outcome = guardiankey("resolve", "", "GOOD")
    assert (outcome.code, outcome.err) == (2, "thingwarden: EVENT must not be empty\n")
