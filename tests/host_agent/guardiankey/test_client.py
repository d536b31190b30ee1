"""Both clients against a real API: what is sent, what comes back, and that nothing is raised."""

import asyncio
import base64
import hashlib
import json
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from Crypto.Cipher import AES

from host_agent.guardiankey import (
    Account,
    AccountError,
    AsyncGuardianKey,
    GuardianKey,
    GuardianKeyError,
    ResolutionError,
    Response,
)
from host_agent.guardiankey.aio import Api

ABSURD = [
    ("user_name", None),
    ("user_name", "\ud800"),
    ("user_name", b"john"),
    ("user_name", "x" * 10_000_000),
    ("user_email", 5),
    ("login_failed", "1"),
    ("client_ip", "nowhere"),
    ("client_ip", b"\xff"),
    ("user_agent", object()),
    ("event_type", {}),
    ("client_reverse", []),
    ("auth_method", 1.5),
]


def decrypted(account, message):
    cipher = AES.new(account.key, AES.MODE_CFB, iv=account.iv, segment_size=8)
    return json.loads(cipher.decrypt(base64.b64decode(message, validate=True)))


def test_v2_is_hashed(ask, api, account, content):
    endpoint = api(b'{"response": "BLOCK", "risk": "97.5"}')
    verdict = ask(endpoint.base)("check_access", "José", "j@example.test", True, "203.0.113.7")
    assert (verdict.response, verdict.risk) == (Response.BLOCK, 97.5)
    path, sent = content(endpoint.requests[0])
    assert path == "/v2/checkaccess"
    assert sent["id"] == "group-1"
    hashed = sent["message"] + account.key_text + account.iv_text
    assert sent["hash"] == hashlib.sha256(hashed.encode()).hexdigest()
    event = json.loads(sent["message"])
    assert (event["userName"], event["loginFailed"]) == ("José", "1")
    assert abs(event["generatedTime"] - time.time()) < 60


def test_v1_is_encrypted(ask, api, account, content):
    endpoint = api()
    assert ask(endpoint.base)("check_access", "José", version=1).response is Response.ACCEPT
    path, sent = content(endpoint.requests[0])
    assert path == "/checkaccess"
    assert set(sent) == {"id", "message"}
    assert decrypted(account, sent["message"])["userName"] == "José"


def test_an_event_is_sent_without_verdict(ask, api, account, content):
    endpoint = api(b"whatever")
    sent = ask(endpoint.base)("send_event", "john", login_failed=True)
    assert (sent.taken, sent.reason) == (True, "")
    path, body = content(endpoint.requests[0])
    assert path == "/sendevent"
    assert decrypted(account, body["message"])["loginFailed"] == "1"


def test_a_datagram(ask, account):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as collector:
        collector.bind(("127.0.0.1", 0))
        collector.settimeout(10)
        client = ask("http://127.0.0.1:1", collector=collector.getsockname())
        assert client("send_event", "José", transport="udp").taken
        group, _, message = collector.recv(65536).decode().partition("|")
    assert group == "group-1"
    assert decrypted(account, message)["userName"] == "José"


def test_a_collector_without_a_name_is_told(ask):
    sent = ask("http://127.0.0.1:1", collector=("guardiankey.invalid", 8888))(
        "send_event", "john", transport="udp"
    )
    assert not sent.taken
    assert sent.retry
    assert sent.reason.startswith("the collector cannot be reached: ")


@pytest.mark.parametrize(("field", "value"), ABSURD)
def test_an_absurd_argument_is_a_reason_and_nothing_is_sent(ask, api, field, value):
    endpoint = api()
    fields = {"user_name": "john"} | {field: value}
    verdict = ask(endpoint.base)("check_access", **fields)
    assert verdict.response is Response.ERROR
    assert verdict.reason.startswith(field)
    assert not verdict.retry
    sent = ask(endpoint.base)("send_event", **fields)
    assert not sent.taken
    assert sent.reason.startswith(field)
    assert endpoint.requests == []


@pytest.mark.parametrize("version", [0, 3, "2", None, 1.5, []])
def test_an_unknown_version(ask, version):
    verdict = ask("http://127.0.0.1:1")("check_access", "john", version=version)
    assert verdict.reason == "version must be 1 or 2"


@pytest.mark.parametrize("transport", ["tcp", None, ["udp"]])
def test_an_unknown_transport(ask, transport):
    sent = ask("http://127.0.0.1:1")("send_event", "john", transport=transport)
    assert sent.reason == 'transport must be "rest" or "udp"'


def test_an_event_is_shown_and_resolved(ask, api, content):
    told = {
        "USERNAME": "john",
        "LOCATION": "Curitiba",
        "IPADDRESS": "203.0.113.7",
        "SYSTEM": "Linux",
        "DATETIME": 1_700_000_000,
    }
    endpoint = api(json.dumps(told).encode())
    details = ask(endpoint.base)("get_event", "event-1", "token-1")
    assert (details.user_name, details.time) == ("john", 1_700_000_000)
    assert ask(endpoint.base)("resolve_event", "event-1", "token-1", "BAD") is None
    assert [content(request) for request in endpoint.requests] == [
        ("/getevent", {"eventid": "event-1", "token": "token-1"}),
        ("/resolveevent", {"eventid": "event-1", "token": "token-1", "action": "BAD"}),
    ]


@pytest.mark.parametrize("body", [b'{"return": "invalid"}', b"{}", b"[]", b"oops"])
def test_an_event_that_is_not_told_is_an_error(ask, api, body):
    with pytest.raises(ResolutionError) as error:
        ask(api(body).base)("get_event", "event-1", "token-1")
    assert "token-1" not in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("event-1", "token-1", "good"), "action must be GOOD or BAD"),
        (("event-1", "token-1", None), "action must be GOOD or BAD"),
        (("", "token-1", "GOOD"), "event_id must be"),
        (("event-1", None, "GOOD"), "token must be"),
    ],
)
def test_a_resolution_that_cannot_be(ask, arguments, told):
    with pytest.raises(ResolutionError, match=told):
        ask("http://127.0.0.1:1")("resolve_event", *arguments)


@pytest.mark.parametrize("body", [b'{"return": "OK"}', b'{"result": "resolved"}', b"", b"done"])
def test_a_resolution_that_was_taken(ask, api, body):
    assert ask(api(body).base)("resolve_event", "event-1", "token-1", "GOOD") is None


def test_a_resolution_with_a_wrong_token_is_an_error(ask, api):
    with pytest.raises(ResolutionError, match="no such event, or not with this token"):
        ask(api(b'{"return": "invalid"}').base)("resolve_event", "event-1", "token-1", "GOOD")


def test_a_refused_resolution_is_an_error(ask, api):
    with pytest.raises(ResolutionError, match="HTTP status 403"):
        ask(api(b"{}", 403).base)("resolve_event", "event-1", "token-1", "GOOD")


@pytest.mark.parametrize("client", [GuardianKey, AsyncGuardianKey])
@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"api": "http://example.test"}, "api must be https"),
        ({"api": "ftp://127.0.0.1"}, "api must be like"),
        ({"api": "https://u:p@example.test"}, "api must not carry credentials"),
        ({"api": "https://exa mple.test"}, "api must be like"),
        ({"api": "https://example.test/?x=1"}, "api must be like"),
        ({"api": None}, "api must be a text"),
        ({"collector": ("", 1)}, "collector must be"),
        ({"collector": ("host", 70000)}, "collector must be"),
        ({"collector": "host:8888"}, "collector must be"),
        ({"ca": "missing.pem"}, "ca: missing.pem"),
        ({"timeout": 4}, "timeout must be"),
        ({"timeout": (0, 4)}, "timeout must be"),
        ({"timeout": (1, float("inf"))}, "timeout must be"),
    ],
)
def test_settings_that_cannot_be_right(client, account, settings, told):
    with pytest.raises(GuardianKeyError, match=told):
        client(account, **settings)


@pytest.mark.parametrize("client", [GuardianKey, AsyncGuardianKey])
def test_an_account_is_needed(client, account):
    with pytest.raises(AccountError, match="account must be an Account, not dict"):
        client(account.to_reference())
    shown = repr(client(account))
    assert account.key_text not in shown
    assert "https://api.guardiankey.io" in shown


def test_a_base_url_may_have_a_path(ask, api):
    endpoint = api()
    assert ask(f"{endpoint.base}/gk/")("check_access", "john").response is Response.ACCEPT
    assert endpoint.requests[0].startswith(b"POST /gk/v2/checkaccess ")


def test_the_name_of_an_address_is_looked_up_if_the_account_says_so(
    ask, api, account, content, monkeypatch
):
    def names(address, _flags):
        return {"203.0.113.7": "host.example.test"}[address[0]], "0"

    monkeypatch.setattr(socket, "getnameinfo", names)
    endpoint = api()
    reverse = Account(**{**vars(account), "reverse": True})
    for used, named in ((account, {}), (reverse, {}), (reverse, {"client_reverse": "given"})):
        ask(endpoint.base, account=used)("check_access", "john", client_ip="203.0.113.7", **named)
    events = [json.loads(content(request)[1]["message"]) for request in endpoint.requests]
    assert [event["clientReverse"] for event in events] == ["", "host.example.test", "given"]


def test_a_name_that_does_not_come_costs_half_a_second(ask, api, account, monkeypatch):
    released = threading.Event()

    def hang(_address, _flags):
        released.wait(60)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getnameinfo", hang)
    reverse = Account(**{**vars(account), "reverse": True})
    try:
        start = time.monotonic()
        client = ask(api().base, account=reverse)
        assert client("check_access", "john", client_ip="203.0.113.7").response is Response.ACCEPT
        assert time.monotonic() - start < 40
    finally:
        released.set()


def test_however_many_wait_for_names_none_waits_longer(api, account, monkeypatch):
    released = threading.Event()

    def hang(*_arguments, **_named):
        released.wait(60)
        raise socket.gaierror("no name")

    async def ask_at_once(call, count, patience, **arguments):
        """How long each took, with one thread for all."""
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        reverse = Account(**{**vars(account), "reverse": True})
        collector = ("collector.invalid", 8888)
        async with AsyncGuardianKey(reverse, endpoint.base, collector, timeout=patience) as client:
            start = time.monotonic()
            calls = [getattr(client, call)("john", **arguments) for _ in range(count)]
            results = await asyncio.gather(*calls)
            released.set()
            return time.monotonic() - start, results

    endpoint = api()
    monkeypatch.setattr(socket, "getnameinfo", hang)
    took_s, verdicts = asyncio.run(
        ask_at_once("check_access", 40, (40, 40), client_ip="203.0.113.7")
    )
    assert took_s < 15, "20 s one after the other"
    assert {verdict.response for verdict in verdicts} == {Response.ACCEPT}
    released.clear()
    monkeypatch.setattr(socket, "getaddrinfo", hang)
    took_s, sent = asyncio.run(ask_at_once("send_event", 20, (1, 1), transport="udp"))
    assert took_s < 15, "20 s one after the other"
    assert {(each.taken, each.retry) for each in sent} == {(False, True)}


def test_a_forked_child_has_connections_of_its_own(api, account):
    endpoint = api()
    code = (
        "import os, sys\n"
        "from host_agent.guardiankey import Account, GuardianKey\n"
        f"client = GuardianKey(Account(**{vars(account)!r}), {endpoint.base!r})\n"
        "assert client.check_access('john').allowed\n"
        "child = os.fork()\n"
        "response = client.check_access('john').response\n"
        "if child:\n"
        "    assert os.waitpid(child, 0)[1] == 0\n"
        "    response = client.check_access('john').response\n"
        "sys.exit(response != 'ACCEPT')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert len(endpoint.connections) == 2


def test_a_forked_child_does_not_wait_for_its_parent_s_calls():
    code = (
        "import os, sys, threading\n"
        "from host_agent.guardiankey.bounded import Bounded\n"
        "calls, begun, ended = Bounded(1, 'test'), threading.Event(), threading.Event()\n"
        "def hang():\n"
        "    begun.set()\n"
        "    ended.wait()\n"
        "waiting = threading.Thread(target=calls.run, args=(hang, 60))\n"
        "waiting.start()\n"
        "begun.wait()\n"
        "if child := os.fork():\n"
        "    status = os.waitpid(child, 0)[1]\n"
        "    ended.set()\n"
        "    sys.exit(status != 0)\n"
        "os._exit(calls.run(lambda: 0, 1))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_many_threads_share_a_client_and_its_connections(api, account):
    endpoint = api()
    verdicts = []
    with GuardianKey(account, endpoint.base, timeout=(10, 30)) as client:

        def log_in():
            verdicts.extend(client.check_access("john").response for _ in range(10))

        threads = [threading.Thread(target=log_in) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert verdicts == [Response.ACCEPT] * 80
        assert len(endpoint.connections) <= 8


def test_a_closed_client_still_answers(api, account):
    endpoint = api()
    client = GuardianKey(account, endpoint.base)
    client.check_access("john")
    client.close()
    assert client.check_access("john").response is Response.ACCEPT


async def entered_late(api_url):
    with pytest.raises(GuardianKeyError, match="must be entered first"):
        await Api(api_url).check("/checkaccess", {})


def test_the_bare_api_relays_what_it_is_given(api, content):
    endpoint = api(b'{"response": "HARD_NOTIFY"}')

    async def relay():
        await entered_late(endpoint.base)
        async with Api(endpoint.base, total_s=3) as bare:
            verdict = await bare.check("/checkaccess", {"id": "group", "message": "AAAA"})
            sent = await bare.send("/sendevent", {"id": "group", "message": "\ud800"})
            return verdict, sent

    verdict, sent = asyncio.run(relay())
    assert (verdict.response, sent.taken) == (Response.HARD_NOTIFY, True)
    assert content(endpoint.requests[0]) == ("/checkaccess", {"id": "group", "message": "AAAA"})
