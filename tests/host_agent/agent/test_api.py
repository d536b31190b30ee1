"""A program gives a command with its token: SecuriThings is told who asked, the board does it."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from host_agent.store import Store
from host_agent.tokens import new_token


@pytest.fixture
def make_token(tmp_path: Path, board):  # noqa: ARG001 (there must be a store)
    """make_token(*scopes) is (id, text) of a token that a running agent knows at once."""

    def make_token(*scopes: str) -> tuple[str, str]:
        token, text = new_token("thermostat", scopes, None, time.time_ns() // 1_000_000)
        with Store.open(tmp_path / "thingwarden.db") as store:
            store.people.add_token(token)
        return token.id, text

    return make_token


def post(url: str, token: str, body: dict[str, Any], **headers: str) -> requests.Response:
    headers |= {"Authorization": f"Bearer {token}", "User-Agent": "planner/2.0"}
    return requests.post(url, json=body, headers=headers, timeout=60)


def test_a_command_reaches_the_board_and_securithings(board, agent, cloud, make_token) -> None:
    token_id, token = make_token("commands:door")
    board.report(agent.link, commands=0)
    asked = post(
        f"{agent.console}/devices/door/commands/power",
        token,
        {"value": True, "user": "ann", "session": "s-1"},
        **{"X-Forwarded-For": "203.0.113.9"},
    )
    assert asked.status_code == 202
    given = asked.json()

    event = cloud.next_body()
    assert event["TYPE"] == "power"
    assert event["EXT_EVT_ID"] == given["event_id"]
    assert event["PARAMS"] == [{"NAME": "value", "VALUE": "true"}]
    told = ("USER_ID", "SESSION_ID", "SOURCE_GATEWAY_ID", "SOURCE_IP", "USER_AGENT")
    assert [event[name] for name in told] == ["ann", "s-1", token_id, "127.0.0.1", "planner/2.0"]

    (command,) = board.report(agent.link, commands=0)["commands"]
    assert (command["id"], command["name"], command["args"]) == (given["id"], "power", True)
    results = [{"id": command["id"], "ok": True}]
    board.report(agent.link, commands=command["id"], results=results)
    place = agent.console + asked.headers["Location"]
    shown = requests.get(place, headers={"Authorization": f"Bearer {token}"}, timeout=60).json()
    assert (shown["id"], shown["state"]) == (given["id"], "done")


def test_a_proxy_is_believed_only_if_it_is_trusted(configure, launch, cloud, make_token) -> None:
    configure(console={"trusted_proxies": ["127.0.0.1"]})
    agent = launch().started()
    _, token = make_token("commands")
    url = f"{agent.console}/devices/door/commands/power"
    post(url, token, {}, **{"X-Forwarded-For": "127.0.0.9, 203.0.113.9"})
    event = cloud.next_body()
    assert event["SOURCE_IP"] == "203.0.113.9"
    assert event["USER_ID"] == "thermostat"
    assert "SESSION_ID" not in event


def test_who_was_refused_reaches_securithings(agent, cloud, make_token) -> None:
    token_id, token = make_token("read")
    body = {"value": True, "user": "mallory"}
    assert post(f"{agent.console}/devices/door/commands/power", token, body).status_code == 403
    event = cloud.next_body()
    assert event["PARAMS"] == [{"NAME": "refused", "VALUE": "forbidden"}]
    told = ("SOURCE", "TYPE", "DEVICE_ID", "USER_ID", "SOURCE_GATEWAY_ID", "USER_AGENT")
    wanted = ["USER", "power", "door", "thermostat", token_id, "planner/2.0"]
    assert [event[name] for name in told] == wanted
    assert event["SOURCE_IP"] == "127.0.0.1" and "SESSION_ID" not in event


def test_what_was_given_outlives_the_agent(launch, board, cloud, make_token) -> None:
    agent = launch().started()
    _, token = make_token("commands")
    given = post(f"{agent.console}/devices/door/commands/power", token, {"value": 3}).json()
    cloud.next_body()
    agent.kill()
    again = launch().started()
    (command,) = board.report(again.link, commands=0)["commands"]
    assert (command["id"], command["args"]) == (given["id"], 3)


def test_a_refusal_shows_no_token(agent, make_token, tmp_path: Path) -> None:
    _, token = make_token("commands:window")
    assert post(f"{agent.console}/devices/door/commands/power", token, {}).status_code == 403
    wrong = token[:-8] + "00000000"
    refused = post(f"{agent.console}/devices/window/commands/power", wrong, {})
    assert refused.status_code == 401
    assert json.loads(refused.text)["error"] == "unauthenticated"
    log = (tmp_path / "agent-0.log").read_text()
    assert "a good token" in log
    for text in (log, refused.text):
        assert token not in text
        assert wrong not in text
