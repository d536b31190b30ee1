"""A press on a board arrives at SecuriThings, whatever happens in between."""

import base64
import json
import signal
import threading
import time

import pytest

from tests.end_to_end.system import BUTTON, THERMOMETER, System, wait_until
from tools.simulator import SimulatedBoard

CLOCK_MS = 2000
"""How far a board's clock may be off that was told the time over a slow link."""


def test_a_press_arrives_as_a_device_event(system: System) -> None:
    before = time.time() * 1000
    with system.board("front-door", BUTTON) as board:
        board.wait_for("agent: connected")
        board.press(14)
        system.wait_for(["1:1"])
    (body,) = system.received()
    time_ms = int(body.pop("TIME"))
    assert before - CLOCK_MS <= time_ms <= time.time() * 1000 + CLOCK_MS
    assert body == {
        "SOURCE": "DEVICE",
        "TYPE": "buttonState",
        "DEVICE_ID": "front-door",
        "DEVICE_TYPE": "Lock",
        "SOURCE_GROUP_ID": "house-7",
        "EXT_EVT_ID": "front-door:1:1",
        "PARAMS": [{"NAME": "pressed", "VALUE": "true"}],
    }


def test_a_reading_arrives_in_the_clouds_number_format(system: System) -> None:
    with system.board("thermometer", THERMOMETER):
        system.wait_for(["1:1"])
    body = system.received()[0]
    assert body["TYPE"] == "temperature_reading"
    assert body["PARAMS"] == [{"NAME": "temperature", "VALUE": "21.5"}]


def test_presses_while_the_agent_is_down_arrive_later_in_order_with_their_own_time(
    system: System,
) -> None:
    with system.board("front-door", BUTTON) as board:
        board.wait_for("agent: connected")
        system.agent.kill()
        pressed = []
        for _ in range(5):
            pressed.append(time.time() * 1000)
            board.press(14)
        wait_until(lambda: len(board.captured) == 5, "five presses were captured")
        wait_until(lambda: list((board.root / "spool").iterdir()), "the presses were spilled")
        agent_is_back = time.time() * 1000
        system.agent.start()
        system.wait_for(board.captured)
        assert system.received_ids() == board.captured
        for body, at in zip(system.received(), pressed, strict=True):
            assert at - CLOCK_MS < int(body["TIME"]) < agent_is_back


def test_a_board_that_lost_power_delivers_what_it_had_spilled(system: System) -> None:
    board = system.board("front-door", BUTTON)
    with board:
        board.wait_for("agent: connected")
        system.agent.kill()
        for _ in range(5):
            board.press(14)
        wait_until(lambda: len(board.captured) == 5, "five presses were captured")
        captured = list(board.captured)
        wait_until(
            lambda: sum(f.read_bytes().count(b"\n") for f in (board.root / "spool").iterdir()) == 5,
            "the presses were spilled",
        )
    system.agent.start()
    with board:
        board.press(14)
        wait_until(lambda: len(board.captured) == 6, "one more press was captured")
        system.wait_for(board.captured)
    assert system.received_ids() == board.captured
    assert board.captured[:5] == captured
    assert board.captured[5].startswith("2:")


def test_nothing_is_lost_or_doubled_when_the_agent_is_killed_in_a_burst(system: System) -> None:
    boards = [system.board(f"door-{n}", BUTTON) for n in range(3)]
    stop = threading.Event()

    def burst(index: int) -> None:
        while not stop.is_set():
            boards[index].press(14, held_s=0.025)

    for board in boards:
        board.start()
    threads = [threading.Thread(target=burst, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    for kill in range(1, 6):
        wait_until(
            lambda enough=kill * 30: len(system.received()) >= enough, "the burst gets through"
        )
        system.agent.kill()
        system.agent.start()
    stop.set()
    for thread in threads:
        thread.join()

    def captured() -> set[str]:
        return {f"{board.root.name}:{event}" for board in boards for event in board.captured}

    assert len(captured()) > 150
    # A kill between the cloud's answer and our note of it repeats a request, under the same id.
    wait_until(
        lambda: {body["EXT_EVT_ID"] for body in system.received()} == captured(),
        "what was captured arrived, and nothing else",
    )
    wait_until(lambda: system.metric("thingwarden_backlog_events") == 0, "the backlog is empty")
    stored = json.loads(system.thingwarden("events", "list", "--limit", "5000", "--json").stdout)
    ids = [f"{event['device']}:{event['boot']}:{event['seq']}" for event in stored]
    assert sorted(ids) == sorted(captured())
    assert {event["state"] for event in stored} == {"delivered"}


def test_a_board_that_loses_power_in_a_burst_loses_two_seconds_at_most_and_says_so(
    system: System,
) -> None:
    board = system.board("front-door", BUTTON)
    with board:
        board.wait_for("agent: connected")
        system.agent.send(signal.SIGSTOP)  # nothing is acknowledged from here on
        while len(board.captured) < 120:
            board.press(14, held_s=0.025)
        cut = time.time()
    system.agent.send(signal.SIGCONT)
    safe = board.captured_before(cut - 4)  # this machine may be busy for two more
    assert len(safe) > 20
    with board:
        board.press(14)
        wait_until(lambda: board.captured[-1].startswith("2:"), "a press after the power cut")
        system.wait_for([board.captured[-1]])
        arrived = system.received_ids()
        assert len(arrived) == len(set(arrived))
        assert set(safe) <= set(arrived) <= set(board.captured)
        lost = len(board.captured) - len(arrived)
        gaps = 'thingwarden_device_lost_events{device="front-door",reason="gaps"}'
        wait_until(lambda: system.metric(gaps) >= lost, "the board reported what it may have lost")


def test_sensing_goes_on_while_the_agent_hangs(system: System) -> None:
    with system.board("front-door", BUTTON) as board:
        board.wait_for("agent: connected")
        system.agent.send(signal.SIGSTOP)
        for _ in range(20):
            board.press(14)
        wait_until(lambda: len(board.captured) == 20, "every press was captured meanwhile")
        system.agent.send(signal.SIGCONT)
        system.wait_for(board.captured)
        assert system.received_ids() == board.captured


def test_presses_survive_a_cloud_that_refuses_resets_and_answers_late(system: System) -> None:
    with system.board("front-door", BUTTON) as board:
        system.fault(
            {"kind": "status", "status": 503, "count": 2},
            {"kind": "reset", "count": 2},
            {"kind": "delay", "seconds": 0.5, "count": 1},
        )
        for _ in range(5):
            board.press(14)
        wait_until(lambda: len(board.captured) == 5, "five presses were captured")
        system.wait_for(board.captured)
    assert system.received_ids() == board.captured


def test_an_answer_of_the_cloud_that_got_lost_repeats_the_same_identity(system: System) -> None:
    with system.board("front-door", BUTTON) as board:
        system.fault({"kind": "reset_after_store", "count": 1})
        board.press(14)
        wait_until(lambda: system.received_ids() == ["1:1", "1:1"], "the event came twice")
        assert system.received()[0] == system.received()[1]


def test_refused_credentials_pause_delivery_and_lose_nothing(system: System) -> None:
    with system.board("front-door", BUTTON) as board:
        system.fault({"kind": "status", "status": 401, "count": 0})
        board.press(14)
        wait_until(lambda: system.metric("thingwarden_delivery_paused") == 1, "delivery pauses")
        assert system.thingwarden("events", "list", "--state", "dead", "--json").stdout.strip() in (
            "[]",
            "",
        )
        system.heal()
        system.agent.stop()
        system.agent.start()
        system.wait_for(board.captured)


def test_a_board_waits_for_wifi_and_reports_then(system: System) -> None:
    with system.board("front-door", BUTTON, poll_s=1) as board:
        board.wait_for("agent: connected")
        board.wifi(False)
        board.wait_for("wifi: lost")
        frames = system.metric('thingwarden_frames_total{result="accepted"}')
        board.press(14)
        wait_until(lambda: list((board.root / "spool").iterdir()), "the press was spilled")
        assert system.metric('thingwarden_frames_total{result="accepted"}') <= frames + 1
        assert system.received() == []
        board.wifi(True)
        system.wait_for(board.captured)


def test_a_host_name_that_nobody_knows_is_a_failure_like_others(system: System) -> None:
    board = system.board("front-door", BUTTON, agent="http://agent.invalid:8710")
    with board:
        board.wait_for("agent: not reachable")
        board.press(14)
        wait_until(lambda: len(board.captured) == 1, "the press was captured")


def test_two_boards_on_one_key_are_noticed(system: System) -> None:
    first = system.board("front-door", BUTTON, poll_s=1)
    settings = json.loads((first.root / "config.json").read_text())
    second = SimulatedBoard(system.directory / "clone", settings)
    system.boards.append(second)
    with first, second:
        wait_until(lambda: "two boards" in system.agent.output(), "the clone was noticed")
        for number, board in enumerate((first, second), 1):
            board.press(14)
            wait_until(
                lambda number=number: len(system.received()) >= number,
                f"press {number} arrived: {first.lines[-5:]} {second.lines[-5:]}",
            )
    ids = system.received_ids()
    assert len(set(ids)) == len(ids)


def test_a_board_that_cannot_keep_its_counters_says_so_and_sends_nothing(system: System) -> None:
    board = system.board("front-door", BUTTON)
    (board.root / "nvs-warden.json").write_text('{"counters": "01')
    board.start(wait=False)
    board.wait_for("^not sending: cannot read the counters in NVS")
    assert system.metric('thingwarden_frames_total{result="accepted"}') == 0


def test_a_removed_device_is_refused_and_comes_back_under_a_new_key(system: System) -> None:
    board = system.board("front-door", BUTTON)
    with board:
        board.press(14)
        system.wait_for(["1:1"])
        system.thingwarden("device", "remove", "front-door")
        board.wait_for("it does not know this device")
        board.press(14)
        system.thingwarden("device", "add", "front-door", "--type", "Lock")
    file = system.directory / "again.json"
    system.thingwarden("device", "config", "front-door", "--agent", system.link, "--out", str(file))
    provisioned = json.loads(file.read_text())
    assert provisioned["boot_floor"] >= 1
    config = json.loads((board.root / "config.json").read_text())
    config.update(key=provisioned["key"], boot_floor=provisioned["boot_floor"])
    (board.root / "config.json").write_text(json.dumps(config))
    with board:
        board.press(14)
        wait_until(lambda: len(board.captured) >= 2, "a press was captured")
        system.wait_for([board.captured[-1]])


def test_a_board_whose_counters_were_erased_goes_on_above_what_the_agent_knows(
    system: System,
) -> None:
    board = system.board("front-door", BUTTON)
    with board:
        board.press(14)
        system.wait_for(["1:1"])
    (board.root / "nvs-warden.json").unlink()
    started = len(board.lines)
    with board:
        board.press(14)
        board.wait_for("going on as boot 2", since=started)
        wait_until(lambda: len(system.received()) == 2, "the press arrived")
    assert system.received_ids()[1].startswith("2:")


@pytest.mark.parametrize("text", ["", "{", '{"device": "x"}'])
def test_a_bad_configuration_is_told_and_stops_nothing_else(system: System, text: str) -> None:
    board = system.board("front-door", BUTTON)
    good = (board.root / "config.json").read_text()
    (board.root / "config.json").write_text(text)
    board.start(wait=False)
    board.wait_for("^config.json: ")
    board.kill()
    (board.root / "config.json").write_text(good)
    with board:
        board.press(14)
        system.wait_for(["1:1"])


def test_no_key_appears_in_any_output(system: System) -> None:
    board = system.board("front-door", BUTTON)
    key = json.loads((board.root / "config.json").read_text())["key"]
    with board:
        board.press(14)
        system.wait_for(["1:1"])
    system.agent.stop()
    printed = system.agent.output() + "\n".join(board.lines)
    raw = base64.b64decode(key)
    for form in (key, raw.hex(), base64.urlsafe_b64encode(raw).decode().rstrip("="), "test-secret"):
        assert form not in printed
