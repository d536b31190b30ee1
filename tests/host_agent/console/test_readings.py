"""From events, as the store has them, to readings."""

from typing import Any

from host_agent.console.pages.chart import Point
from host_agent.console.pages.readings import readings
from host_agent.store import Caller, StoredEvent

NOON = 1_795_345_200_000
MINUTE = 60_000


def event(
    number: int, type_: str = "room_reading", boot: int | None = 1, **params: Any
) -> StoredEvent:
    """An event of minute `number`."""
    time_ms = NOON + number * MINUTE
    return StoredEvent(
        id=number,
        device="attic",
        boot=boot,
        seq=number,
        type=type_,
        params=params,
        raw="",
        time_ms=time_ms,
        time_source="board",
        accepted_ms=time_ms,
        stored_ms=time_ms,
        state="delivered",
        attempts=0,
        first_attempt_ms=None,
        next_ms=0,
        reason="",
        settled_ms=time_ms,
        event_id=f"attic:{boot}:{number}",
        caller=Caller() if boot is None else None,
    )


def test_the_newest_value_of_every_number_and_state() -> None:
    found = readings(
        [
            event(3, temperature=21.5, humidity=40),
            event(2, "buttonState", pressed=True),
            event(1, temperature=20),
        ]
    )
    assert [(reading.name, reading.value, reading.event.id) for reading in found] == [
        ("room humidity", 40, 3),
        ("room temperature", 21.5, 3),
        ("buttonState pressed", True, 2),
    ]
    assert found[1].points == [Point(NOON + MINUTE, 20), Point(NOON + 3 * MINUTE, 21.5)]
    assert found[2].points == []


def test_an_input_of_one_value_goes_by_its_own_name() -> None:
    assert [reading.name for reading in readings([event(1, "light_reading", light=7)])] == ["light"]


def test_two_sensors_that_measure_the_same_are_two_readings() -> None:
    found = readings([event(2, "attic_reading", t=1), event(1, "cellar_reading", t=2)])
    assert [(reading.name, reading.value) for reading in found] == [("attic t", 1), ("cellar t", 2)]


def test_texts_and_what_people_asked_for_are_no_readings() -> None:
    assert readings([event(2, user="alice"), event(1, boot=None, value=3)]) == []


def test_a_restart_is_a_gap() -> None:
    (found,) = readings([event(3, boot=2, t=3), event(2, boot=1, t=2), event(1, boot=1, t=1)])
    assert [len(run) for run in found.runs] == [2, 1]


def test_a_silence_longer_than_a_heartbeat_is_a_gap() -> None:
    minutes = [0, 1, 6, 7, 20, 21]
    (found,) = readings([event(minute, t=minute) for minute in reversed(minutes)])
    assert [[point.value for point in run] for run in found.runs] == [[0, 1, 6, 7], [20, 21]]


def test_a_board_with_a_slow_heartbeat_has_no_gaps() -> None:
    (found,) = readings([event(minute, t=1) for minute in (180, 120, 60, 0)])
    assert len(found.runs) == 1


def test_a_long_name_is_cut() -> None:
    (found,) = readings([event(1, "x" * 128, **{"y" * 128: 1})])
    assert found.name == "x" * 47 + "…"


def test_the_number_of_an_attempt_at_a_door_is_no_reading() -> None:
    found = readings([event(1, "lock_activate", attempt=7, granted=True)])
    assert [(reading.name, reading.value) for reading in found] == [("lock_activate granted", True)]
    (other,) = readings([event(1, attempt=7)])
    assert other.value == 7
