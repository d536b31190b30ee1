import logging

import pytest

from host_agent.link.serial.board_log import LINES_PER_S, MAX_CHARACTERS, BoardLog
from tests.host_agent.clock import Clock


@pytest.fixture
def log(clock: Clock, caplog: pytest.LogCaptureFixture) -> BoardLog:
    caplog.set_level(logging.INFO)
    return BoardLog("/dev/ttyUSB0", clock)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"W (120) wifi: no AP", "W (120) wifi: no AP"),
        ("T\u00fcr".encode(), "T\u00fcr"),
        (b"\x1b[0;32mgreen\x07", r"\x1b[0;32mgreen\x07"),
        (b"a\rb\x00", r"a\rb\x00"),
        (b"\xf0\x9f", r"\xf0\x9f"),
        ("\u202etxt.exe".encode(), r"\u202etxt.exe"),
    ],
    ids=["plain", "utf-8", "escape", "carriage", "broken", "direction"],
)
def test_a_line_does_nothing_to_the_terminal(log, caplog, line: bytes, shown: str) -> None:
    log.show(line)
    assert caplog.messages == [f"/dev/ttyUSB0: {shown}"]
    assert caplog.records[0].levelno == logging.INFO


def test_a_long_line_is_cut(log: BoardLog, caplog) -> None:
    log.show(b"\x00" * 5000)
    assert len(caplog.messages[0]) < MAX_CHARACTERS + 30
    assert caplog.messages[0].endswith("...")


def test_an_empty_line_is_not_shown(log: BoardLog, caplog) -> None:
    log.show(b"")
    log.show(b"  ")
    assert caplog.messages == []


def test_what_is_too_much_is_counted_and_told(log: BoardLog, clock: Clock, caplog) -> None:
    for _ in range(LINES_PER_S + 3):
        log.show(b"x")
    assert len(caplog.messages) == LINES_PER_S
    assert log.dropped == 3
    log.flush()
    assert len(caplog.messages) == LINES_PER_S
    clock.now += 1
    log.flush()
    log.flush()
    assert caplog.messages[LINES_PER_S:] == ["/dev/ttyUSB0: 3 more lines of its log"]
    log.show(b"y")
    assert caplog.messages[-1] == "/dev/ttyUSB0: y"
