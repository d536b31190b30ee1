"""Programs with a token give commands and read devices."""

from pathlib import Path

from host_agent.clock import now_ms
from host_agent.console.api.commands import MAX_BODY_BYTES
from host_agent.store import Limits, Store
from host_agent.tokens import new_token
from tests.host_agent.console.api.program import POWER, Program, told

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
    assert len(store.commands.list(limit=100)) == 64


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
