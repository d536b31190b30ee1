"""What is said over a serial port, with a real store behind it."""

import subprocess
import sys
import threading
import time

from host_agent.link.frames import MAX_FRAME_BYTES, seal_report
from host_agent.link.serial.lines import MAX_LINE_BYTES
from host_agent.metrics import Metrics
from host_agent.store import Store
from tests.host_agent.link.serial.cable import Cable, CableBoard
from tests.host_agent.link.wire import frames

POLL_S = 5
"""When a board would have asked by itself."""
LONG_DETAIL = {"boot": "x" * 500}
"""A report whose refusal quotes it: a reply of several pieces."""


def dropped(metrics: Metrics) -> float:
    return metrics.registry.get_sample_value("thingwarden_serial_lines_dropped_total") or 0


def test_a_port_that_opens_asks_its_board_for_a_frame(attend, cable: Cable) -> None:
    attend(cable.port)
    assert cable.line() == b""  # ends whatever the board had got of another line
    assert cable.line() == b"~?"


def test_a_report_in_pieces_is_stored_and_acked(wired: CableBoard, store: Store, press) -> None:
    assert wired.report(press(1, 1), press(1, 2)) == {"ack": [1, 2]}
    assert [event.seq for event in store.events()] == [2, 1]


def test_a_report_in_one_line_is_taken_too(wired: CableBoard, press) -> None:
    wired.cable.write(b"~" + wired.sealed.seal(press(1, 1)) + b"\r\n")
    assert wired.sealed.open(wired.reply()) == {"ack": [1, 1]}


def test_log_lines_between_pieces_are_shown(wired: CableBoard, press, caplog, eventually) -> None:
    first, *others = wired.pieces(wired.sealed.seal(press(1, 1)))
    wired.cable.write(first + b"front door pressed\r\n" + b"".join(others))
    assert wired.sealed.open(wired.reply()) == {"ack": [1, 1]}
    wired.cable.write(b"all is \xff \x1b[31mwell\n")
    eventually(lambda: r"door: all is \xff \x1b[31mwell" in caplog.messages)
    assert f"{wired.cable.port}: front door pressed" in caplog.messages


def test_every_piece_of_a_reply_is_sent_again_when_asked(wired: CableBoard) -> None:
    wired.cable.write(b"".join(wired.pieces(wired.sealed.seal(**LONG_DETAIL))))
    left, first = wired.piece()
    assert left >= 1
    assert wired.cable.line(0.3) is None  # the next one comes only when it is asked for
    wired.cable.write(b"~?\n")
    assert wired.piece() == (left, first)
    text = first
    for number in range(left - 1, -1, -1):
        wired.cable.write(b"~?%d\n" % number * 2)
        piece = wired.piece()
        assert piece[0] == number
        assert wired.piece() == piece
        text += piece[1]
    assert wired.sealed.open(text)["error"] == "malformed"
    wired.cable.write(b"~?%d\n" % (left + 1))  # no such piece
    assert wired.cable.line(0.3) is None


def test_a_frame_that_begins_ends_the_reply_before(wired: CableBoard, press) -> None:
    wired.report(press(1, 1))
    first, *others = wired.pieces(wired.sealed.seal(press(1, 2)))
    wired.cable.write(first + b"~?\n")
    assert wired.cable.line(0.3) is None
    wired.cable.write(b"".join(others))
    assert wired.sealed.open(wired.reply()) == {"ack": [1, 2]}


def test_a_stranger_is_refused_the_same_way_whoever_it_is(
    wired: CableBoard, metrics: Metrics
) -> None:
    unknown = seal_report("nobody", bytes(32), b"{}").encode()
    wrong_key = seal_report("door", bytes(32), b"{}").encode()
    for frame in (unknown, wrong_key):
        wired.cable.write(b"".join(wired.pieces(frame)))
        assert wired.cable.line() == b"~!"
    wired.cable.write(b"~rubbish\n")
    assert wired.cable.line() == b"~!"
    assert frames(metrics, "unauthenticated") == 2
    assert frames(metrics, "malformed") == 1


def test_two_frames_that_break_off_cost_nothing_but_themselves(wired: CableBoard, press) -> None:
    for seq in (1, 2):
        pieces = wired.pieces(wired.sealed.seal(press(1, seq)))
        wired.cable.write(b"".join(pieces[: len(pieces) // 2]))
    assert wired.report(press(1, 3)) == {"ack": [1, 3]}


def test_a_frame_with_a_lost_piece_is_asked_for_anew(wired: CableBoard, press) -> None:
    pieces = wired.pieces(wired.sealed.seal(press(1, 1)))
    assert len(pieces) > 2
    wired.cable.write(b"".join(pieces[:1] + pieces[2:]))
    assert wired.cable.line() == b"~?"
    assert wired.report(press(1, 2)) == {"ack": [1, 2]}


def test_the_newest_frame_wins(wired: CableBoard, press) -> None:
    older = wired.pieces(wired.sealed.seal(press(1, 1)))
    newer = wired.pieces(wired.sealed.seal(press(1, 2)))
    wired.cable.write(b"".join(older + newer))
    assert wired.sealed.open(wired.reply()) == {"ack": [1, 2]}
    assert wired.cable.line(0.3) is None


def test_a_replayed_frame_is_stale(wired: CableBoard, press) -> None:
    wired.report(press(1, 1))
    wired.cable.write(b"~" + wired.sealed.last.encode() + b"\n")
    assert wired.sealed.open(wired.reply()) == {"error": "stale", "boot": 1}


def test_a_frame_above_the_limit_is_dropped(wired: CableBoard, metrics, press, eventually) -> None:
    frame = seal_report("door", wired.sealed.key, b" " * MAX_FRAME_BYTES).encode()
    wired.cable.write(b"".join(wired.pieces(frame)))
    eventually(lambda: frames(metrics, "too_large") == 1)
    wired.cable.drain()
    assert wired.report(press(1, 1)) == {"ack": [1, 1]}


def test_a_line_without_end_is_dropped_and_counted(wired: CableBoard, metrics, press) -> None:
    wired.cable.write(b"x" * (MAX_LINE_BYTES + 1))
    wired.cable.write(b"y" * MAX_LINE_BYTES + b"\n")
    assert wired.report(press(1, 1)) == {"ack": [1, 1]}
    assert dropped(metrics) == 1


def test_a_board_that_floods_is_cut_short_and_then_heard(
    wired: CableBoard, metrics, press, caplog, eventually
) -> None:
    wired.cable.write(b"flood\n" * 5000)
    assert wired.report(press(1, 1)) == {"ack": [1, 1]}
    shown = sum(message.endswith(": flood") for message in caplog.messages)
    assert 40 <= shown <= 200
    assert dropped(metrics) == 5000 - shown
    eventually(lambda: any("more lines of its log" in message for message in caplog.messages))


def test_what_waits_for_a_device_nudges_its_board(wired: CableBoard, store: Store) -> None:
    wired.report()
    started = time.monotonic()
    store.set_lockdown("door", True)
    assert wired.cable.line() == b"~?"
    assert time.monotonic() - started < POLL_S


def test_what_another_process_changes_nudges_the_board_too(wired: CableBoard, tmp_path) -> None:
    wired.report()
    script = (
        "import sys, time; from pathlib import Path; from host_agent.store import Store\n"
        "with Store.open(Path(sys.argv[1])) as store:\n"
        "    store.set_lockdown('door', True); print(time.monotonic())\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "agent.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert wired.cable.line() == b"~?"
        arrived = time.monotonic()
        changed = float(process.communicate(timeout=60)[0])
    assert arrived - changed < POLL_S


def test_a_nudge_waits_until_the_reply_has_gone_down(wired: CableBoard, store: Store) -> None:
    wired.report()
    wired.cable.write(b"".join(wired.pieces(wired.sealed.seal(**LONG_DETAIL))))
    left, _ = wired.piece()
    threading.Thread(target=store.set_lockdown, args=("door", True)).start()
    assert wired.cable.line(0.5) is None
    for number in range(left - 1, -1, -1):
        wired.cable.write(b"~?%d\n" % number)
        assert wired.cable.line().startswith(b"~%d:" % number)
    assert wired.cable.line() == b"~?"
