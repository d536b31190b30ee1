"""Who has no token that covers it learns nothing, in bounded number."""

import http.client
import json
import select
import socket
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from host_agent.clock import now_ms
from host_agent.console.api.bearer import BURST
from host_agent.console.api.commands import MAX_BODY_BYTES
from host_agent.console.api.endpoint import MAX_IN_FLIGHT
from host_agent.tokens import new_token
from tests.host_agent.console.api.program import POWER, Program, told

MINUTE_MS = 60_000


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
        connection = http.client.HTTPConnection(console.url.removeprefix("http://"), timeout=60)
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
    stranger = Program(console.url)

    def behind(address: str) -> dict[str, str]:
        return {"X-Forwarded-For": address}

    for _ in range(BURST):
        stranger.get("/devices", headers=behind("2001:db8::1"))
    neighbour = behind("2001:db8::2")
    for path in ("/devices", "/metrics"):
        assert stranger.get(path, headers=neighbour).status_code == 429, path
    for other in ("203.0.113.5", "2001:db8:0:1::1"):
        answer = Program(console.url, issue()).get("/devices", headers=behind(other))
        assert answer.status_code == 200, other


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
