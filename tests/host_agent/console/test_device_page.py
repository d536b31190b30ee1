"""What a person sees of a device, and the commands that people give."""

import re
from typing import Any

import pytest

from host_agent.clock import now_ms
from host_agent.store import Report, Store
from tests.host_agent.console.boards import Board
from tests.host_agent.console.markup import read, text_of
from tests.host_agent.waiting import eventually

PAGE = "/console/devices/front-door"
COMMANDS = f"{PAGE}/commands"


def test_readings_charts_and_facts(board: Board, signed_in) -> None:
    health = {"version": "0.1.0", "uptime_s": 4321, "heap": 98304, "rssi": -63, "missed": 3}
    board.report(("light_reading", {"light": 3.25}), ("light_reading", {"light": 7}), health=health)
    board.report(("buttonState", {"pressed": True}))
    page = signed_in.get(PAGE).text
    text = text_of(page)
    assert "front-door Lock · hq · last seen" in text
    assert re.search(r"light 7 (now|\d+ s ago)", text)
    assert re.search(r"buttonState pressed true (now|\d+ s ago)", text)
    assert page.count('role="img"') == 1 and "2 values from 3.25 to 7" in text
    assert "Running for 1 h 12 min" in text and "Free memory 96 KiB" in text
    assert "Wi-Fi signal -63 dBm" in text
    assert re.search(r"Told once a minute; last seen (now|\d+ s ago)", text)
    assert "Edges or readings missed 3" in text


def test_the_newest_values_of_a_chart_are_told_in_a_table(board: Board, signed_in) -> None:
    board.report(*[("light_reading", {"light": number}) for number in range(120)])
    rows = read(signed_in.get(PAGE).text).by_id("chart-1-values").text
    assert "light Time Value" in rows
    assert re.findall(r"\d\d:\d\d:\d\d (\d+)", rows) == [str(n) for n in range(119, 19, -1)]


@pytest.mark.usefixtures("board")
def test_a_device_that_never_reported_has_a_page(signed_in) -> None:
    answer = signed_in.get(PAGE)
    assert answer.status_code == 200
    assert "Lock · hq · never seen" in text_of(answer.text) and "<svg" not in answer.text


def test_a_device_that_stopped_is_quiet_on_its_page_too(console, store: Store, signed_in) -> None:
    device = store.add_device("old", "Lock")
    console.call(store.accept, Report("old", device.key, 1, 1, now_ms() - 3_600_000))
    text = text_of(signed_in.get("/console/devices/old").text)
    assert "old Lock · quiet, last seen 1 h ago" in text


def test_one_value_is_no_line_yet(board: Board, signed_in) -> None:
    board.report(("light_reading", {"light": 3.25}))
    page = signed_in.get(PAGE).text
    assert "light 3.25" in text_of(page) and "<svg" not in page


def test_its_door_is_shown(board: Board, store: Store, signed_in) -> None:
    store.add_credential(board.name, "alice", "code", "", "1234")
    store.add_credential(board.name, "bob", "badge", "", "12:345")
    store.set_lockdown(board.name, True)
    text = text_of(signed_in.get(PAGE).text)
    assert "Codes and badges 2 People who have one 2 Lockdown yes" in text
    assert "On the board not yet as it is here" in text
    assert "1234" not in text and "12:345" not in text


def test_an_unknown_device_is_a_page_of_its_own(signed_in) -> None:
    for name in ("nobody", "%3Cscript%3E", "%00", "x" * 2000, "..%2F.."):
        answer = signed_in.get(f"/console/devices/{name}")
        assert answer.status_code == 404, name[:20]
        assert "<script>" not in answer.text and len(answer.text) < 10_000


def test_what_a_board_says_stays_text_and_within_bounds(board: Board, signed_in) -> None:
    evil = '"><script>alert(1)</script>\u202e'
    values: list[Any] = [2**63 - 1, -(2**63), 1.7e308, -1e-320, True, evil * 9]
    params = {f"{evil}{number}": values[number % 6] for number in range(64)}
    health = {evil: {"deep": [evil]}, "rssi": evil, "heap": 1e308, "uptime_s": -1, "version": None}
    for number in range(9):
        event = (f"{evil}{number}", params)
        board.report(event, event, health=health)
    answer = signed_in.get(PAGE)
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text and "\u202e" not in answer.text
    assert answer.text.count('role="img"') == 8
    assert len(answer.content) < 200_000


def test_a_command_is_given_and_its_result_shown(board: Board, store: Store, signed_in) -> None:
    board.report(commanded=0)
    answer = signed_in.submit(COMMANDS, name="power", value="on", ttl_s="30")
    assert (answer.status_code, answer.headers["Location"]) == (303, PAGE)
    (given,) = store.commands.list(board.name)
    assert (given.name, given.args, given.expires_ms - given.created_ms) == ("power", "on", 30_000)
    text = text_of(signed_in.get(PAGE).text)
    assert "power waits for front-door" in text and "power on open not sent yet" in text
    board.settles(given.id)
    assert "power on done" in text_of(signed_in.get(PAGE).text)


def test_the_reason_of_a_failed_command_is_shown(board: Board, store: Store, signed_in) -> None:
    signed_in.submit(COMMANDS, name="blink", value="3")
    board.settles(store.commands.list(board.name)[0].id, "no <such> command")
    assert "blink 3 failed no <such> command" in text_of(signed_in.get(PAGE).text)


def test_a_command_is_an_event_that_tells_who_asked(board: Board, signed_in) -> None:
    signed_in.submit(COMMANDS, name="power", value="true")
    event = board.newest()
    assert (event.type, event.params) == ("power", {"value": "true"})
    assert event.caller is not None
    assert (event.caller.user_id, event.caller.source_ip) == ("ann", "127.0.0.1")
    assert event.caller.user_agent == "Browser/1.0" and event.caller.session_id


def test_values_mean_what_they_mean_on_the_command_line(
    board: Board, store: Store, signed_in
) -> None:
    typed = {"": None, "3": 3, "2.5": 2.5, "false": False, " on ": "on", '"3"': "3", "ü<": "ü<"}
    for text, meant in typed.items():
        signed_in.submit(COMMANDS, name="set", value=text)
        given = store.commands.list(board.name)[0]
        assert (given.args, type(given.args)) == (meant, type(meant)), text


def test_what_cannot_be_a_command_is_told(board: Board, store: Store, signed_in) -> None:
    wrong: list[tuple[dict[str, str], str]] = [
        ({"name": "9 lives"}, "'9 lives' cannot be a command"),
        ({"name": ""}, "'' cannot be a command"),
        ({"name": "x" * 20_000}, "xxx…"),
        ({"name": "power", "value": "x" * 129}, "at most 128 characters"),
        ({"name": "power", "value": '"\\ud800"'}, "at most 128 characters"),
        ({"name": "power", "ttl_s": "soon"}, "a number of seconds"),
        ({"name": "power", "ttl_s": "0"}, "1 to 86400 seconds"),
        ({"name": "power", "ttl_s": "nan"}, "1 to 86400 seconds"),
        ({"name": "power", "ttl_s": "inf"}, "1 to 86400 seconds"),
    ]
    for fields, why in wrong:
        assert signed_in.submit(COMMANDS, **fields).status_code == 303
        (notice,) = read(signed_in.get(PAGE).text).all("p", **{"class": "notice"})
        assert notice.text.startswith("Not sent: ") and why in notice.text
        assert len(notice.text) <= 300
    assert store.commands.list() == []
    eventually(lambda: len(store.recent(board.name)) == 6, "refusals with a name are events")
    told = {(event.type, event.params["refused"]) for event in store.recent(board.name)}
    assert told == {("power", "malformed")}


@pytest.mark.usefixtures("board")
def test_what_was_typed_is_kept_when_it_is_refused(console, signed_in) -> None:
    def typed(page: str = PAGE, **headers: str) -> list[str]:
        found = read(signed_in.get(page, headers=headers).text)
        ids = ("command-name", "command-value", "command-ttl")
        return [found.by_id(name).attributes["value"] for name in ids]

    Board(console.parts.store, console.call, "back-door")
    signed_in.submit(COMMANDS, name="set point", value='"21" <°C>', ttl_s="90")
    kept = ["set point", '"21" <°C>', "90"]
    assert typed("/console/devices/back-door") == ["", "", "60"]
    assert typed(**{"X-Background": "1"}) == ["", "", "60"]
    assert typed() == kept and typed() == ["", "", "60"]


def test_the_form_suggests_what_boards_of_its_type_have_done(
    board: Board, console, signed_in
) -> None:
    store, call = console.parts.store, console.call
    lamp = Board(store, call, "lamp", "Lamp")
    twin = Board(store, call, "back-door")
    for commanded, name, error in (
        (board, "power", None),
        (board, "pwoer", "no such command"),
        (twin, "blink", None),
        (lamp, "dim", None),
    ):
        commanded.settles(store.commands.add(commanded.name, name).id, error)
    store.commands.add(board.name, "waits")
    names = [each.attributes["value"] for each in read(signed_in.get(PAGE).text).all("option")]
    assert names == ["blink", "power"]


def test_a_command_to_nobody_is_told(signed_in) -> None:
    answer = signed_in.submit("/console/devices/a%2Fb/commands", name="power")
    assert answer.status_code == 404  # no route: a name has no slash
    answer = signed_in.submit("/console/devices/no%3Fbody/commands", name="power")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/console/devices/no%3Fbody")
    page = signed_in.get(answer.headers["Location"])
    assert page.status_code == 404 and "there is no device no?body" in text_of(page.text)


def test_too_many_open_commands_are_told(board: Board, store: Store, signed_in) -> None:
    for _ in range(64):
        store.commands.add(board.name, "power")
    signed_in.submit(COMMANDS, name="power")
    assert "64 commands wait for front-door already" in text_of(signed_in.get(PAGE).text)


def test_who_was_refused_is_seen_on_the_events_pages(board: Board, store: Store, signed_in) -> None:
    signed_in.submit(COMMANDS, name="power", value="x" * 129)
    (event,) = eventually(lambda: store.recent(board.name), "the refusal is recorded")
    caller = event.caller
    assert caller is not None and caller.session_id
    assert (caller.user_id, caller.source_ip) == ("ann", "127.0.0.1")
    assert caller.user_agent == "Browser/1.0"
    assert "power refused=malformed asked for by ann" in text_of(signed_in.get(PAGE).text)
    found = text_of(signed_in.get("/console/events?type=power").text)
    assert "refused=malformed asked for by ann" in found
    shown = text_of(signed_in.get(f"/console/events/{event.id}").text)
    assert "Asked for" in shown and "refused malformed" in shown and "User ann" in shown
    assert "xxx" not in shown


@pytest.mark.usefixtures("board")
def test_a_command_from_another_site_is_not_given(store: Store, signed_in) -> None:
    data = {"csrf": "x", "name": "power"}
    assert signed_in.post(COMMANDS, data=data, allow_redirects=False).status_code == 403
    assert store.commands.list() == []
