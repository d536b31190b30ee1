"""Programs with a token give commands and read devices; everybody else learns nothing."""

import dataclasses
import http.client
import json
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from host_agent.clock import now_ms
from host_agent.console.api.commands import MAX_BODY_BYTES
from host_agent.console.api.endpoint import MAX_IN_FLIGHT
from host_agent.console.api.failures import BURST
from host_agent.store import Limits, Store
from host_agent.tokens import new_token

MINUTE_MS = 60_000
POWER = "/devices/door/commands/power"
NO_COMMANDS = [
    b"{",
    b"[]",
    b"null",
    b"\xff",
    b'{"value": {}}',
    b'{"value": []}',
    b'{"value": NaN}',
    b'{"value": 1e400}',
    b'{"value": 9223372036854775808}',
    b'{"value": "\\ud800"}',
    b'{"value": "' + b"x" * 129 + b'"}',
    b'{"ttl_s": 0.5}',
    b'{"ttl_s": 86401}',
    b'{"ttl_s": true}',
    b'{"user": ""}',
    b'{"user": "' + b"x" * 129 + b'"}',
    b'{"session": 5}',
    b'{"colour": "red"}',
    b"[" * MAX_BODY_BYTES,
]


class Program(requests.Session):
    """A program with a token, or without one. Paths are those of the API."""

    def __init__(self, url: str, token: str | None = None) -> None:
        super().__init__()
        self.trust_env = False
        self.url = url
        if token is not None:
            self.headers["Authorization"] = f"Bearer {token}"

    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]
        return super().request(method, self.url + url, timeout=20, **options)


@pytest.fixture
def store(parts) -> Store:
    """With a door in it."""
    parts.store.add_device("door", "Lock", "hq")
    store: Store = parts.store
    return store


@pytest.fixture
def issue(store: Store) -> Callable[..., str]:
    """issue(*scopes, **fields of the ApiToken that differ) is the text of a new token."""

    def issue(*scopes: str, **fields: Any) -> str:
        token, text = new_token("planner", scopes or ("read", "commands"), None, now_ms())
        store.people.add_token(dataclasses.replace(token, **fields))
        return text

    return issue


@pytest.fixture
def program(console, issue) -> Iterator[Callable[..., Program]]:
    """program(*scopes) is one with a new token."""
    with requests.Session() as closing:
        yield lambda *scopes, **fields: Program(console.url, issue(*scopes, **fields))
        closing.close()


@pytest.fixture
def count(parts) -> Callable[[str], float]:
    """count(result) of the requests so far."""

    def count(result: str) -> float:
        name = "thingwarden_api_requests_total"
        return parts.metrics.registry.get_sample_value(name, {"result": result}) or 0

    return count


def told(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


# Giving commands


def test_a_command_is_durable_with_its_event(program, store) -> None:
    body = {"value": 21.5, "ttl_s": 90, "user": "ann", "session": "s-1"}
    answer = program().post(POWER, json=body, headers={"User-Agent": "planner/2.0"})
    given = answer.json()
    assert answer.status_code == 202
    (command,) = store.commands.list("door")
    assert given == {
        "id": command.id,
        "device": "door",
        "name": "power",
        "value": 21.5,
        "state": "open",
        "created_ms": command.created_ms,
        "expires_ms": command.created_ms + 90_000,
        "event_id": given["event_id"],
    }
    (event,) = store.events()
    caller = event.caller
    assert (event.event_id, event.type, event.params) == (
        given["event_id"],
        "power",
        {"value": "21.5"},
    )
    assert (caller.user_id, caller.session_id, caller.source_ip) == ("ann", "s-1", "127.0.0.1")
    assert caller.user_agent == "planner/2.0"
    assert store.people.token(caller.api_key_id).name == "planner"


def test_a_value_arrives_as_it_is(program, store) -> None:
    asking = program()
    for value in (None, True, False, 0, -7, 2**63 - 1, 0.5, "", "ä" * 128):
        answer = asking.post(POWER, json={"value": value})
        assert answer.json()["value"] == value
        args = store.commands.get("door", answer.json()["id"]).args
        assert (args, type(args)) == (value, type(value))


def test_without_a_body_it_is_the_command_alone(program, store) -> None:
    given = program().post(POWER).json()
    assert given["value"] is None
    assert given["expires_ms"] - given["created_ms"] == 60_000
    (event,) = store.events()
    assert (event.params, event.caller.user_id, event.caller.session_id) == ({}, "planner", None)


def test_a_body_that_is_no_command_is_told(program, store) -> None:
    asking, typed = program(), {"Content-Type": "application/json"}
    for body in NO_COMMANDS:
        assert told(asking.post(POWER, data=body, headers=typed)) == (400, "malformed"), body
    assert store.commands.list() == []


def test_a_name_that_is_no_command_is_told(program, store) -> None:
    asking = program()
    for name in ("1st", "a" * 65, "p%20q", "%F0%9F%92%A1", "%00", "a%0Ab"):
        assert told(asking.post(f"/devices/door/commands/{name}")) == (400, "malformed"), name
    assert store.commands.list() == []


def test_only_json_is_taken(program) -> None:
    asking = program()
    form = asking.post(POWER, data={"value": "on"})
    assert told(form) == (415, "not_json")
    typed = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert asking.post(POWER, data="{}", headers=typed).status_code == 202


def test_a_body_is_bounded_with_and_without_its_length(program) -> None:
    large = b" " * (MAX_BODY_BYTES - 1) + b"{}"
    asking = program()
    typed = {"Content-Type": "application/json"}
    assert told(asking.post(POWER, data=large, headers=typed)) == (413, "too_large")
    assert told(asking.post(POWER, data=iter([large]), headers=typed)) == (413, "too_large")
    assert asking.post(POWER, data=large[1:], headers=typed).status_code == 202


def test_too_many_open_commands_are_refused(program, store) -> None:
    asking = program()
    for _ in range(64):
        store.commands.add("door", "power")
    answer = asking.post(POWER)
    assert told(answer) == (409, "too_many_open")
    assert int(answer.headers["Retry-After"]) > 0
    assert store.events() == []


def test_a_full_store_takes_nothing(tmp_path: Path, run_console) -> None:
    with Store.open(tmp_path / "full.db", Limits(1, 1 << 20)) as store:
        store.add_device("door", "Lock")
        token, text = new_token("planner", ["read", "commands"], None, now_ms())
        store.people.add_token(token)
        asking = Program(run_console(store=store).url, text)
        assert asking.post(POWER).status_code == 202
        answer = asking.post(POWER)
        assert told(answer) == (503, "full")
        assert int(answer.headers["Retry-After"]) > 0
        assert len(store.commands.list()) == 1
        assert asking.get("/devices").status_code == 200


def test_a_store_that_fails_is_told(tmp_path: Path, run_console) -> None:
    store = Store.open(tmp_path / "closed.db")
    token, text = new_token("planner", ["read"], None, now_ms())
    store.people.add_token(token)
    asking = Program(run_console(store=store, problems=lambda: [str(store.stats())]).url, text)
    assert asking.get("/devices").status_code == 200
    store.close()
    for path in ("/devices", "/devices/door/commands/1"):
        answer = asking.get(path)
        assert told(answer) == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        assert str(tmp_path) not in answer.text
    assert asking.get("/readyz").json()["ready"] is False
    assert asking.get("/metrics").status_code == 503


# Reading


def test_a_device_is_shown_without_its_key(program, store) -> None:
    command = store.commands.add("door", "power", True)
    answer = program("read").get("/devices/door")
    shown = answer.json()
    (open_command,) = shown.pop("open_commands")
    assert open_command["id"] == command.id
    assert shown == {
        "name": "door",
        "type": "Lock",
        "group": "hq",
        "last_seen_ms": None,
        "boot": 0,
        "health": {},
    }
    assert store.device("door").key.hex() not in answer.text


def test_devices_are_listed_by_name(program, store) -> None:
    store.add_device("alarm", "Siren")
    devices = program("read").get("/devices").json()["devices"]
    assert [device["name"] for device in devices] == ["alarm", "door"]


def test_a_command_is_shown_as_it_stands(program, store) -> None:
    asking = program("commands:door:power")
    given = asking.post(POWER, json={"value": "on"})
    shown = asking.get(given.headers["Location"]).json()
    assert (shown["id"], shown["value"], shown["state"]) == (given.json()["id"], "on", "open")
    assert (shown["sent_ms"], shown["settled_ms"], shown["result"]) == (None, None, "")
    store.remove_device("door")
    assert asking.get(given.headers["Location"]).json()["state"] == "expired"


def test_an_unknown_command_is_told_to_who_may_read(program) -> None:
    reading, commanding = program("read"), program("commands")
    for command in ("5", "0", "-1", "1e3", "x", "9" * 30, "٣", "%00"):
        path = f"/devices/door/commands/{command}"
        assert told(reading.get(path)) == (404, "unknown"), command
        assert told(commanding.get(path)) == (403, "forbidden"), command


def test_an_unknown_device_is_told(program) -> None:
    asking = program()
    for device in ("window", "..%2F..", "%00", "ä", "x" * 300):
        assert asking.get(f"/devices/{device}").status_code == 404, device
        assert asking.post(f"/devices/{device}/commands/power").status_code == 404, device


# Who may ask


@pytest.mark.parametrize(
    ("scope", "device", "name", "status"),
    [
        ("commands", "door", "power", 202),
        ("commands", "window", "power", 404),
        ("commands:door", "door", "blink", 202),
        ("commands:door", "window", "power", 403),
        ("commands:door:power", "door", "power", 202),
        ("commands:door:power", "door", "blink", 403),
        ("commands:door:power", "nowhere", "power", 403),
        ("read", "door", "power", 403),
    ],
)
def test_a_scope_covers_what_it_says(
    program, store, scope: str, device: str, name: str, status: int
) -> None:
    if device == "window" and status == 403:
        store.add_device("window", "Contact")
    answer = program(scope).post(f"/devices/{device}/commands/{name}", data=b"no JSON")
    wanted = 415 if status in (202, 404) else status
    assert answer.status_code == wanted  # a body is looked at once the scope covers it
    assert program(scope).post(f"/devices/{device}/commands/{name}").status_code == status


def test_only_the_scope_read_reads(program) -> None:
    asking = program("commands")
    for path in ("/devices", "/devices/door", "/devices/nowhere"):
        refused = asking.get(path)
        assert told(refused) == (403, "forbidden")
        assert "insufficient_scope" in refused.headers["WWW-Authenticate"]


def test_a_token_sees_no_commands_beyond_its_scope(program, store) -> None:
    other = store.commands.add("door", "blink")
    asking = program("commands:door:power")
    hidden = asking.get(f"/devices/door/commands/{other.id}")
    missing = asking.get(f"/devices/door/commands/{other.id + 1}")
    assert told(hidden) == (403, "forbidden")
    assert (hidden.text, hidden.status_code) == (missing.text, missing.status_code)


def test_strangers_get_one_and_the_same_answer(console, issue, store, count) -> None:
    good, revoked = issue(), issue()
    store.people.revoke_token(revoked.split("_")[1])
    over = issue(expires_ms=now_ms() - 1)
    wrong = good[:-6] + "AAAAAA"
    unknown = new_token("nobody", ["read"], None, now_ms())[1]
    refusals = [Program(console.url).get("/devices")]
    refusals += [
        Program(console.url, token).get("/devices")
        for token in (revoked, over, wrong, unknown, "", "x", "tw_", "t\xf6ken")
    ]
    assert {told(answer) for answer in refusals} == {(401, "unauthenticated")}
    assert len({answer.content for answer in refusals}) == 1
    assert {answer.headers["WWW-Authenticate"] for answer in refusals} == {
        'Bearer realm="thingwarden"'
    }
    assert count("unauthenticated") == len(refusals)


def test_a_token_counts_only_as_a_bearers(console, issue) -> None:
    token = issue()

    def status(*values: str) -> int:
        connection = http.client.HTTPConnection(console.url.removeprefix("http://"), timeout=20)
        connection.putrequest("GET", "/devices")
        for value in values:
            connection.putheader("Authorization", value)
        connection.endheaders()
        try:
            return connection.getresponse().status
        finally:
            connection.close()

    assert status(f"bearer  {token}") == 200
    assert status(token) == status(f"Basic {token}") == status(f"Bearer {token} {token}") == 401
    assert status(f"Bearer {token}", f"Bearer {token}") == 401
    plain = Program(console.url)
    assert plain.get("/devices", params={"token": token}).status_code == 401
    assert plain.get("/devices", cookies={"thingwarden": token}).status_code == 401


def test_a_session_of_a_person_is_no_token(signed_in) -> None:
    assert signed_in.get("/devices").status_code == 401
    assert signed_in.post(POWER).status_code == 401


def test_nothing_is_read_before_the_token_is_good(console) -> None:
    large = b" " * (MAX_BODY_BYTES + 1)
    assert Program(console.url).post(POWER, data=large).status_code == 401


def test_who_fails_too_often_has_to_wait(console, program, issue, count) -> None:
    working, stranger = program("read"), Program(console.url)
    assert working.get("/devices").status_code == 200
    statuses = [stranger.get("/devices").status_code for _ in range(BURST + 1)]
    assert statuses == [401] * BURST + [429]
    limited = Program(console.url, issue()).get("/devices")
    assert told(limited) == (429, "limited")
    assert int(limited.headers["Retry-After"]) > 0
    assert working.get("/devices").status_code == 200
    assert (count("limited"), count("answered")) == (2, 2)


def test_an_address_behind_a_proxy_is_limited_by_itself(run_console, issue) -> None:
    console = run_console(trusted_proxies=["127.0.0.1"])
    stranger, token = Program(console.url), issue()

    def behind(address: str) -> dict[str, str]:
        return {"X-Forwarded-For": address}

    for _ in range(BURST):
        stranger.get("/devices", headers=behind("2001:db8::1"))
    neighbour = behind("2001:db8::2")
    for path in ("/devices", "/metrics"):
        assert stranger.get(path, headers=neighbour).status_code == 429, path
    other = behind("203.0.113.5")
    assert Program(console.url, token).get("/devices", headers=other).status_code == 200


def test_the_use_of_a_token_is_noted_once_a_minute(program, issue, store, console) -> None:
    before = now_ms()
    asking = program()
    asking.get("/devices")
    (token,) = store.people.tokens()
    assert token.used_ms is not None and before <= token.used_ms <= now_ms()
    asking.get("/devices")
    assert store.people.token(token.id) == token
    long_ago = issue(used_ms=before - MINUTE_MS)
    Program(console.url, long_ago).get("/devices")
    assert store.people.token(long_ago.split("_")[1]).used_ms >= before


def test_methods_and_paths_that_are_not_there(program) -> None:
    asking = program()
    answer = asking.put("/devices/door")
    assert told(answer) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD"
    assert asking.head("/devices/door").status_code == 200
    assert told(asking.post("/openapi.json")) == (405, "method_not_allowed")
    for path in ("/devices/", "/devices/door/keys", "/nothing"):
        assert told(asking.get(path)) == (404, "unknown"), path


def test_no_more_are_attended_to_than_there_are_places(console, issue, program, count) -> None:
    address = urlsplit(console.url)
    head = (
        f"POST {POWER} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {issue()}\r\n"
        "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n"
    )
    with ExitStack() as closing:
        slow = [
            closing.enter_context(socket.create_connection((address.hostname, address.port)))
            for _ in range(MAX_IN_FLIGHT + 1)
        ]
        for connection in slow:
            connection.sendall(head.encode())
        (refused,), _, _ = select.select(slow, [], [], 20)
        answer = http.client.HTTPResponse(refused)
        answer.begin()
        assert (answer.status, answer.getheader("Retry-After")) == (503, "1")
        assert json.loads(answer.read())["error"] == "busy"
        slow.remove(refused)
        for connection in slow:
            connection.sendall(b"{}")
            assert connection.recv(100).startswith(b"HTTP/1.1 202 ")
    assert program().get("/devices").status_code == 200
    assert count("busy") == 1


# Metrics and readiness


@pytest.mark.parametrize("path", ["/metrics", "/readyz"])
def test_from_afar_watching_needs_a_token(console, program, path: str) -> None:
    assert requests.get(console.url + path, timeout=20).status_code == 200
    for header in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"):
        from_afar = {header: "127.0.0.1"}
        refused = Program(console.url).get(path, headers=from_afar)
        assert told(refused) == (401, "unauthenticated")
    assert told(program("commands").get(path, headers=from_afar)) == (403, "forbidden")
    assert program("read").get(path, headers=from_afar).status_code == 200


def test_a_page_under_another_name_reads_no_metrics(run_console) -> None:
    browser = Program(run_console(host="0.0.0.0").url)
    for host in ("rebound.example", "rebound.example:8711", "[", "127.0.0.1.x"):
        assert browser.get("/metrics", headers={"Host": host}).status_code == 401, host
    for host in ("localhost", "127.0.0.1:80", "[::1]:8711"):
        assert browser.get("/metrics", headers={"Host": host}).status_code == 200, host


def test_an_agent_in_trouble_says_why(run_console) -> None:
    console = run_console(problems=lambda: ["delivery is paused"])
    answer = Program(console.url).get("/readyz")
    assert answer.status_code == 503
    assert json.loads(answer.text) == {"ready": False, "reasons": ["delivery is paused"]}
