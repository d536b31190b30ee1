"""Every request of GuardianKey's reference clients, made by ours from the same inputs.

Ours goes to the same path, with an event equal to the recorded one but for the differences that
DIFFERENCES names. A capture without a request is a client that died before; ours sends.
"""

import base64
import contextlib
import hashlib
import ipaddress
import json
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from Crypto.Cipher import AES

from host_agent.guardiankey import (
    Account,
    AccountError,
    Email,
    GuardianKey,
    RegistrationError,
    ResolutionError,
    Webhook,
    client_address,
)
from tests.host_agent.endpoint import Endpoint, answering

DATA = Path(__file__).parent / "data" / "guardiankey.json"
CASES = [case for case in json.loads(DATA.read_text())["cases"] if case["kind"] == "gk_wire"]

REVERSE = {"203.0.113.7": "host.example.test"}
TRUSTED_PROXIES = ("203.0.113.0/24", "10.0.0.0/8")
YES, NO = (1, "1", True, "True"), (0, "0", False, "", None)

PATHS = {
    "checkaccess": "/v2/checkaccess",
    "checkaccessv1": "/checkaccess",
    "sendevent": "/sendevent",
    "udp": None,
}


@dataclass
class Given:
    """A capture's input in our terms; `call` is a key of PATHS."""

    call: str
    config: dict[str, object]
    user: str
    email: str | None = ""
    failed: object = "0"
    event_type: str = "Authentication"
    ip: str = ""
    agent: str | None = ""


def given_of(case):
    for start, reader in READERS.items():
        if case["client"].startswith(start):
            return reader(case["input"])
    raise AssertionError(f"unknown client {case['client']}")


def of_php(given):
    call, *rest = PHP_CALLS[given["call"]]
    args = [
        base64.b64decode(value).decode("latin-1") if number in given.get("b64_args", ()) else value
        for number, value in enumerate(given["args"])
    ]
    server = given["server"]
    ip = client_address(server["REMOTE_ADDR"], server.get("HTTP_X_FORWARDED_FOR"), TRUSTED_PROXIES)
    named = dict(zip(("user", "email", "failed", "event_type"), args, strict=False))
    named |= dict(zip(("event_type",), rest, strict=False))
    return Given(call, given["config"], **named, ip=ip, agent=server.get("HTTP_USER_AGENT"))


PHP_CALLS = {
    "checkaccess": ("checkaccess",),
    "checktransaction": ("checkaccess", "Transaction"),
    "checkaccessv1": ("checkaccessv1",),
    "sendevent": ("sendevent",),
    "sendevent_udp": ("udp",),
}


def of_python(given):
    calls = {"checkaccess": "checkaccessv1", "sendevent": "sendevent", "sendeventUDP": "udp"}
    named = dict(zip(("user", "email", "failed", "event_type"), given["args"], strict=False))
    return Given(calls[given["call"]], given["config"], **named, ip=given["ip"], agent=given["ua"])


def of_node_ruby_go(given):
    config = {CONFIG_NAMES.get(name, name): value for name, value in given["config"].items()}
    ip, agent, user, email, failed = given["args"]
    return Given("checkaccess", config, user, email, failed, ip=ip, agent=agent)


CONFIG_NAMES = {
    "organization_id": "orgid",
    "authgroup_id": "authgroupid",
    "auth_group_id": "authgroupid",
    "agentId": "agentid",
    "agent_id": "agentid",
}


def of_java(version):
    def read(given):
        config = {
            name.removeprefix("guardiankey."): value for name, value in given["config"].items()
        }
        user, email, failed, event_type, ip, agent = given["args"]
        call = "sendevent" if given["call"] == "sendEvent" else version
        return Given(call, config, user, email, failed, event_type, ip, agent)

    return read


def of_ssh(given):
    user, ip, _, failed = given["args"]
    email = user if "@" in user else None
    return Given("checkaccess", given["config"], user, email, failed, ip=ip)


def of_worker(given):
    config = {CONFIG_NAMES.get(name, name): value for name, value in given["consts"].items()}
    config |= {"agentid": "CloudFlare", "service": "CloudFlare"}
    user, email, failed = given["args"]
    call = "checkaccess" if given["call"] == "check_access" else "checkaccessv1"
    return Given(call, config, user, email, failed, ip=given["ip"], agent=given["ua"])


READERS = {
    "PHP": of_php,
    "Python": of_python,
    "older Python": of_python,
    "nodejs": of_node_ruby_go,
    "ruby": of_node_ruby_go,
    "go": of_node_ruby_go,
    "Java v1": of_java("checkaccessv1"),
    "Java v2": of_java("checkaccess"),
    "guardiankey-ssh": of_ssh,
    "Cloudflare": of_worker,
}

DIFFERENCES = {
    "generatedTime": "a number where PHP, Java and .NET write a text (WIRE.md B10)",
    "loginFailed": '"0" or "1" where each client writes what it was given (B10)',
    "userEmail": "always there; ssh leaves it out (B1). PHP encodes UTF-8 twice",
    "userName": "proper UTF-8, which PHP encodes twice (B1)",
    "service": "proper UTF-8, which PHP encodes twice (B1)",
    "userAgent": "cut at 500 characters, which only PHP does, in bytes (B1)",
    "clientIP": "an address, where PHP believes any text in X-Forwarded-For (B1)",
    "clientReverse": 'looked up for 1, true, True, yes; PHP misses "1", Python takes "False" (B10)',
}


def expected_value(name, recorded, ours, given):
    """What the recorded value of a field stands for."""
    if name == "generatedTime":
        return int(recorded)
    if name == "loginFailed":
        return "1" if recorded in YES else "0"
    if name == "userAgent":
        return recorded[:500] if recorded.isascii() else (given.agent or "")[:500]
    if name == "clientReverse":
        return ours  # told by the configuration alone, see below
    if name == "clientIP" and not is_address(recorded):
        return given.ip
    if isinstance(recorded, str) and not recorded.isascii():
        with contextlib.suppress(UnicodeError):  # twice, if once less is UTF-8, too
            return recorded.encode("latin-1").decode()
    return recorded


EVENT_CASES = [
    case
    for case in CASES
    if case["input"].get("call") not in ("register", "getEvent", "resolveEvent", "checkgktinc")
]


@pytest.mark.parametrize("case", EVENT_CASES, ids=[case["id"] for case in EVENT_CASES])
def test_the_same_inputs_make_the_same_event(case, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: float(case["now"]))
    monkeypatch.setattr(socket, "getnameinfo", name_of)
    given = given_of(case)
    if not given.config["agentid"]:
        with pytest.raises(AccountError, match="agentid"):  # PHP sends the request without event
            Account.from_reference(given.config)
        return
    path, ours = sent_by_ours(given)
    if not is_address(given.ip):
        assert ours is None
        return
    assert path == PATHS[given.call]
    recorded = recorded_event(case, given)
    if recorded is None:  # the client died before it sent anything
        assert (ours["userName"], ours["clientIP"]) == (given.user, given.ip)
        return
    wants_name = given.config.get("reverse") in ("1", 1, "True", "true", "yes", True)
    assert ours["clientReverse"] == (REVERSE.get(given.ip, "") if wants_name else "")
    whole = {"userEmail": "", "userAgent": "", **recorded}
    assert ours == {
        name: expected_value(name, value, ours.get(name), given) for name, value in whole.items()
    }
    assert {name for name in ours if ours[name] != recorded.get(name)} <= set(DIFFERENCES)


def test_every_difference_is_seen(monkeypatch):
    """A difference that no capture shows any more would be a stale excuse."""
    monkeypatch.setattr(socket, "getnameinfo", name_of)
    seen = set()
    for case in EVENT_CASES:
        monkeypatch.setattr(time, "time", lambda now=case["now"]: float(now))
        given = given_of(case)
        recorded = recorded_event(case, given)
        if recorded and given.config["agentid"]:
            _, ours = sent_by_ours(given)
            seen |= {name for name in ours if ours[name] != recorded.get(name)}
    assert set(DIFFERENCES) - {"service", "clientIP"} <= seen <= set(DIFFERENCES)


def sent_by_ours(given):
    """(path, event) as they arrived; (None, None) if ours refused to send."""
    account = Account.from_reference(given.config)
    fields = {
        "user_name": given.user,
        "user_email": given.email,
        "login_failed": given.failed in YES,
        "client_ip": given.ip,
        "user_agent": given.agent,
        "event_type": given.event_type,
    }
    accept = answering(b'{"response": "ACCEPT"}')
    with (
        Endpoint(accept).serving() as endpoint,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as collector,
    ):
        collector.bind(("127.0.0.1", 0))
        collector.settimeout(10)
        with GuardianKey(account, endpoint.base, collector.getsockname()) as client:
            if given.call == "udp":
                assert client.send_event(**fields, transport="udp").taken
                group, _, message = collector.recv(65536).decode().partition("|")
                assert group == account.auth_group_id
                return None, decrypted(account, message)
            if given.call == "sendevent":
                sent = client.send_event(**fields).taken
            else:
                version = 2 if given.call == "checkaccess" else 1
                sent = client.check_access(**fields, version=version).response == "ACCEPT"
        if not sent:
            assert endpoint.requests == []
            return None, None
        (request,) = endpoint.requests
    head, body = request.split(b"\r\n\r\n", 1)
    content = json.loads(body)
    assert content["id"] == account.auth_group_id
    assert b"\r\nContent-Type: application/json\r\n" in head
    path = head.split()[1].decode()
    if "hash" not in content:
        return path, decrypted(account, content["message"])
    hashed = content["message"] + account.key_text + account.iv_text
    assert content["hash"] == hashlib.sha256(hashed.encode()).hexdigest()
    return path, json.loads(content["message"])


def decrypted(account, message):
    cipher = AES.new(account.key, AES.MODE_CFB, iv=account.iv, segment_size=8)
    return json.loads(cipher.decrypt(base64.b64decode(message, validate=True)).decode())


def recorded_event(case, given):
    """The event that the reference sent, None if it died before."""
    if case.get("udp"):
        return json.loads(case["udp"][0]["plaintext"])
    for request in case["requests"]:
        if PATHS[given.call] is not None:
            assert urlsplit(request["url"]).path == PATHS[given.call]
        if "aes_cbc_instead" in request:  # the worker's slip: another cipher, the same event
            return json.loads(request["aes_cbc_instead"]["plaintext"])
        return request["event"]
    return None


def is_address(text):
    with contextlib.suppress(ValueError):
        return bool(ipaddress.ip_address(text))
    return not text


def name_of(address, _flags):
    if address[0] not in REVERSE:
        raise socket.gaierror("no name")
    return REVERSE[address[0]], "0"


def once_decoded(text):
    """Without PHP's second encoding."""
    with contextlib.suppress(UnicodeError):
        return text.encode("latin-1").decode()
    return text


def cases_of(*calls):
    chosen = [case for case in CASES if case["input"].get("call") in calls]
    return pytest.mark.parametrize("case", chosen, ids=[case["id"] for case in chosen])


@cases_of("register")
def test_registration(case):
    """Urlencoded as the Python script does, where the PHP class sends multipart; same fields."""
    email, *notify = case["input"]["args"]
    status = int(case["server"]["status"].split()[0])
    with Endpoint(answering(case["server"]["body"].encode(), status)).serving() as endpoint:
        try:
            account = Account.register(email, notification(*notify), endpoint.base)
        except RegistrationError as error:
            account, failure = None, str(error)
        (request,) = endpoint.requests
    head, body = request.decode().split("\r\n\r\n")
    form = dict(parse_qsl(body, strict_parsing=True))
    recorded = dict(case["requests"][0]["form"])
    assert head.split()[1] == urlsplit(case["requests"][0]["url"]).path
    assert set(form) == set(recorded)
    for name in form:
        if name in ("keyb64", "ivb64"):
            assert len(base64.b64decode(form[name])) == len(base64.b64decode(recorded[name]))
        elif name == "notify_data":
            sent, told = (json.loads(base64.b64decode(f[name])) for f in (form, recorded))
            assert sent == told
        else:
            assert form[name] == recorded[name]
    if "exception" in case["result"]:
        assert account is None
        assert case["server"]["body"] in failure
    elif account is None:  # PHP returns an account without ids
        assert "authGroupId" in failure
    else:
        ids = json.loads(case["server"]["body"])
        assert account.auth_group_id == ids["authGroupId"]
        assert account.organization_id == ids["organizationId"]
        assert (account.key_text, account.iv_text) == (form["keyb64"], form["ivb64"])


def notification(method=None, data=None):
    if method is None:
        return None
    told = json.loads(base64.b64decode(data))
    if method == "webhook":
        return Webhook(told["webhook_url"])
    return Email(
        host=told["smtp_host"],
        port=int(told["smtp_port"]),
        user=told["smtp_user"],
        password=told["smtp_pass"],
        security=told["smtp_method"],
    )


@cases_of("getEvent", "resolveEvent")
def test_resolution(case):
    account = Account.from_reference(case["input"]["config"])
    body = case["server"]["body"]
    with Endpoint(answering(body.encode())).serving() as endpoint:
        with GuardianKey(account, endpoint.base) as client:
            call = client.get_event if case["input"]["call"] == "getEvent" else client.resolve_event
            try:
                result = call(*case["input"]["args"])
            except ResolutionError as error:
                result = error
        (request,) = endpoint.requests
    head, content = request.split(b"\r\n\r\n", 1)
    recorded = json.loads(case["requests"][0]["body_text"])
    assert head.split()[1].decode() == urlsplit(case["requests"][0]["url"]).path
    assert json.loads(content) == {name: once_decoded(value) for name, value in recorded.items()}
    if case["input"]["call"] == "resolveEvent":
        assert result is None
    elif "USERNAME" in body:
        told = json.loads(body)
        assert (result.user_name, result.time) == (told["USERNAME"], told["DATETIME"])
    else:
        assert isinstance(result, ResolutionError)
