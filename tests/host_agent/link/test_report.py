import contextlib
import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.link.frames import OpenedReport
from host_agent.link.report import ReportMalformed, parse_report
from host_agent.store import Attempt, BadAttempt, BadEvent, CapturedEvent, Report

NOW = 1_800_000_000_000
DAY = 86_400_000


def opened(payload: bytes, device: str = "door") -> OpenedReport:
    return OpenedReport(device, bytes(32), "tag", payload)


def parse(*events: object, boot: int = 7, **fields: object) -> Report:
    report = {"boot": boot, "frame": 1, "events": events} | fields
    return parse_report(opened(json.dumps(report).encode()), NOW)


def event(**fields: object) -> dict[str, object]:
    return {"id": [7, 1], "type": "buttonState", "params": {"pressed": True}} | fields


def captured(**fields: object) -> CapturedEvent:
    (found,) = parse(event(**fields)).events
    assert isinstance(found, CapturedEvent)
    return found


def bad(**fields: object) -> BadEvent:
    (found,) = parse(event(**fields)).events
    assert isinstance(found, BadEvent)
    return found


def test_a_report_keeps_its_events_in_order() -> None:
    report = parse(event(id=[6, 9]), event(id=[7, 0], type="alarm", params={}), health={"heap": 1})
    assert (report.device, report.boot, report.frame, report.received_ms) == ("door", 7, 1, NOW)
    assert report.events == (
        CapturedEvent(6, 9, "buttonState", {"pressed": True}, NOW, "arrival"),
        CapturedEvent(7, 0, "alarm", {}, NOW, "arrival"),
    )
    assert report.health == {"heap": 1}


def test_a_poll_has_no_events() -> None:
    report = parse_report(opened(b'{"boot":1,"frame":0}'), NOW)
    assert (report.events, report.health) == ((), None)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"null",
        b'{"boot":1,"frame":1} x',
        b'{"boot":1,"frame":1,"events":{}}',
        b'{"boot":1,"frame":1,"events":null}',
        b'{"frame":1}',
        b'{"boot":1}',
        b'{"boot":0,"frame":1}',
        b'{"boot":2147483648,"frame":1}',
        b'{"boot":2147483647,"frame":1}',
        b'{"boot":1,"frame":-1}',
        b'{"boot":1,"frame":2147483648}',
        b'{"boot":true,"frame":1}',
        b'{"boot":1,"frame":1.0}',
        b'{"boot":"1","frame":1}',
        b'{"boot":1,"frame":1,"x":"\\ud800"}',
        b'{"boot":1,"frame":1,"x":' + b"[" * 8000 + b"]" * 8000 + b"}",
        b'{"boot":1,"frame":1,"events":[' + b",".join([b"0"] * 257) + b"]}",
        b"\xff\xfe",
    ],
)
def test_a_report_that_is_wrong_as_a_whole_is_refused(payload: bytes) -> None:
    with pytest.raises(ReportMalformed):
        parse_report(opened(payload), NOW)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"type": ""}, "type"),
        ({"type": None}, "type"),
        ({"type": "x" * 129}, "type"),
        ({"params": []}, "params"),
        ({"params": {"a": None}}, "params"),
        ({"params": {"a": [1]}}, "params"),
        ({"params": {"a": {"b": 1}}}, "params"),
        ({"params": {"": 1}}, "params"),
        ({"params": {"n" * 129: 1}}, "params"),
        ({"params": {"a": "x" * 1025}}, "params"),
        ({"params": {"a": 2**63}}, "params"),
        ({"params": {"a": -(2**63) - 1}}, "params"),
        ({"params": {str(n): n for n in range(65)}}, "params"),
        ({"t": "now"}, "t"),
        ({"t": 1.5}, "t"),
        ({"t": True}, "t"),
        ({"age": "old"}, "age"),
    ],
)
def test_a_bad_event_names_the_field_and_keeps_its_id(fields: dict[str, Any], reason: str) -> None:
    found = bad(**fields)
    assert (found.boot, found.seq) == (7, 1)
    assert reason in found.reason
    assert json.loads(found.raw) == event(**fields)


@pytest.mark.parametrize(
    "identity", [None, 7, [7], [7, 1, 2], [7, -1], [7, 2**31], [True, 1], ["7", 1], [7.0, 1]]
)
def test_an_event_without_a_sound_id_has_none(identity: object) -> None:
    found = bad(id=identity)
    assert (found.boot, found.seq) == (None, None)
    assert "id" in found.reason


def test_an_event_of_a_later_start_than_its_report_is_bad() -> None:
    found = bad(id=[8, 1])
    assert (found.boot, found.seq) == (8, 1)


@pytest.mark.parametrize("raw", [b"7", b"null", b"[]", b'"x"', b'{"id":[7,1],"type":"\xff"}'])
def test_an_event_that_is_no_readable_object_is_bad(raw: bytes) -> None:
    report = parse_report(opened(b'{"boot":7,"frame":1,"events":[%b]}' % raw), NOW)
    assert isinstance(report.events[0], BadEvent)


def test_one_bad_event_does_not_hold_up_the_others() -> None:
    kinds = [type(found) for found in parse(event(), "junk", event(id=[7, 2])).events]
    assert kinds == [CapturedEvent, BadEvent, CapturedEvent]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", '"\\ud800"'])
def test_a_value_that_spoils_the_whole_json_costs_only_its_own_event(value: str) -> None:
    good, after = json.dumps(event()), json.dumps(event(id=[7, 3]))
    spoilt = '{"id":[7,2],"type":"x","params":{"a":' + value + "}}"
    payload = f'{{"boot":7,"frame":1,"events":[{good},{spoilt},{after}],"health":{{"heap":1}}}}'
    events = parse_report(opened(payload.encode()), NOW).events
    assert [type(found) for found in events] == [CapturedEvent, BadEvent, CapturedEvent]
    assert [(found.boot, found.seq) for found in events] == [(7, 1), (7, 2), (7, 3)]


def test_an_event_repeated_in_its_frame_is_left_for_the_store_to_drop() -> None:
    events = parse(event(), event(id=[7, 2]), event()).events
    assert [type(found) for found in events] == [CapturedEvent] * 3


@pytest.mark.parametrize("second", [[7, 0], [6, 9]])
def test_an_id_out_of_order_would_pass_for_a_duplicate_and_is_a_dead_letter_instead(
    second: list[int],
) -> None:
    found = parse(event(), event(id=second)).events[1]
    assert isinstance(found, BadEvent)
    assert (found.boot, found.seq) == (None, None)


def test_values_at_their_limits_pass() -> None:
    params = {"n" * 128: "x" * 1024, "max": 2**63 - 1, "min": -(2**63), "f": 1e308, "é": "\u0000"}
    assert captured(type="x" * 128, params=params).params == params


def test_a_newer_board_may_say_more() -> None:
    assert captured(colour="red").type == "buttonState"


@pytest.mark.parametrize("t", [1_577_836_800_000, NOW - DAY, NOW, NOW + DAY])
def test_the_time_of_a_board_with_a_clock_counts(t: int) -> None:
    found = captured(t=t, age=5)
    assert (found.time_ms, found.time_source) == (t, "board")


@pytest.mark.parametrize("t", [None, -1, 0, 1_577_836_799_999, NOW + DAY + 1, 10**30])
def test_without_a_believable_clock_the_age_counts(t: int | None) -> None:
    found = captured(t=t, age=1500)
    assert (found.time_ms, found.time_source) == (NOW - 1500, "age")


@pytest.mark.parametrize("fields", [{}, {"age": -1}, {"age": NOW}, {"age": 5, "id": [6, 1]}])
def test_without_a_usable_age_the_arrival_counts(fields: dict[str, Any]) -> None:
    found = captured(**fields)
    assert (found.time_ms, found.time_source) == (NOW, "arrival")


@pytest.mark.parametrize("health", [[], "fine", {"x": "y" * 1024}])
def test_unusable_health_is_left_out_and_told_once(
    health: object, caplog: pytest.LogCaptureFixture
) -> None:
    payload = json.dumps({"boot": 1, "frame": 1, "events": [], "health": health}).encode()
    device = f"device-{hash(str(health))}"
    with caplog.at_level(logging.WARNING):
        assert parse_report(opened(payload, device), NOW).health is None
        assert parse_report(opened(payload, device), NOW).health is None
    assert len(caplog.records) == 1
    assert device in caplog.text


ATTEMPT = {"id": 5, "authGroupId": "a" * 128, "message": "AAAA" * 1024, "ask": True}


def test_an_attempt_and_the_list_that_a_board_holds_are_part_of_a_report() -> None:
    report = parse(event(), attempt=ATTEMPT, access=["0123abcd", 7])
    assert report.attempt == Attempt(5, "a" * 128, "AAAA" * 1024, True)
    assert report.access == ("0123abcd", 7)
    poll = parse()
    assert (poll.attempt, poll.access) == (None, None)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"authGroupId": ""}, "authGroupId"),
        ({"authGroupId": "a" * 129}, "authGroupId"),
        ({"authGroupId": "a|b"}, "authGroupId"),
        ({"authGroupId": "a\n"}, "authGroupId"),
        ({"authGroupId": "\ud800"}, "authGroupId"),
        ({"authGroupId": 7}, "authGroupId"),
        ({"message": ""}, "message"),
        ({"message": "AAA"}, "message"),
        ({"message": "AAAA\n"}, "message"),
        ({"message": "AA-_"}, "message"),
        ({"message": "AAB="}, "message"),  # bits after the last byte
        ({"message": "AA==AAAA"}, "message"),
        ({"message": "AAAA" * 1024 + "AAAA"}, "message"),
        ({"message": "\xe9AAA"}, "message"),
        ({"message": None}, "message"),
        ({"ask": 1}, "ask"),
        ({"ask": float("nan")}, "ask"),
    ],
)
def test_a_bad_attempt_names_the_field_and_keeps_its_id(
    fields: dict[str, Any], reason: str
) -> None:
    report = parse(event(), attempt=ATTEMPT | fields)
    assert isinstance(report.attempt, BadAttempt)
    assert report.attempt.id == 5
    assert reason in report.attempt.reason
    assert [type(found) for found in report.events] == [CapturedEvent]


@pytest.mark.parametrize("name", ["authGroupId", "message", "ask"])
def test_an_attempt_that_lacks_a_field_names_it(name: str) -> None:
    found = parse(attempt={key: value for key, value in ATTEMPT.items() if key != name}).attempt
    assert isinstance(found, BadAttempt)
    assert (found.id, name in found.reason) == (5, True)


@pytest.mark.parametrize(
    "attempt",
    [None, 7, [], {}, *(ATTEMPT | {"id": value} for value in (None, "5", 5.5, -1, 2**53, True))],
)
def test_an_attempt_without_a_sound_id_has_none(attempt: object) -> None:
    found = parse(event(), attempt=attempt).attempt
    assert isinstance(found, BadAttempt)
    assert found.id is None


def test_a_value_that_spoils_the_json_of_an_event_costs_no_attempt() -> None:
    report = parse(event(params={"a": float("nan")}), attempt=ATTEMPT, access=["", 0])
    assert [type(found) for found in report.events] == [BadEvent]
    assert isinstance(report.attempt, Attempt)
    assert report.access == ("", 0)


def test_what_guardiankey_is_to_read_does_not_show_in_a_repr() -> None:
    assert "AAAA" not in repr(parse(attempt=ATTEMPT))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
EVENT = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("id", "type", "params", "t", "age"), JSON)
)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_report_or_a_typed_error(payload: bytes) -> None:
    with contextlib.suppress(ReportMalformed):
        parse_report(opened(payload), NOW)


@given(st.integers(), st.integers(), st.lists(EVENT | JSON, max_size=4), JSON, JSON)
def test_any_json_gives_a_report_or_a_typed_error(
    boot: int, frame: int, events: list[object], health: object, extra: object
) -> None:
    report = {"boot": boot, "frame": frame, "events": events, "health": health}
    report |= {"attempt": extra, "access": extra}
    try:
        found = parse_report(opened(json.dumps(report).encode()), NOW)
    except ReportMalformed:
        return
    assert len(found.events) == len(events)
