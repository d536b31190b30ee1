import logging

import pytest

from host_agent.link.serial.standing import RETRY_S, Standing
from tests.host_agent.clock import Clock


@pytest.fixture
def make(clock: Clock, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    return lambda port: Standing(port, clock)


def test_a_failure_is_told_when_it_comes_again_and_then_not_any_more(make, clock, caplog) -> None:
    standing = make("/dev/x")
    standing.failed("may not be opened")
    assert (caplog.messages, standing.may_be_tried) == ([], True)
    standing.failed("may not be opened")
    assert caplog.messages == ["serial port /dev/x may not be opened"]
    assert not standing.may_be_tried
    clock.now += RETRY_S
    assert standing.may_be_tried
    standing.failed("may not be opened")
    assert len(caplog.messages) == 1
    standing.opened()
    assert caplog.messages[-1] == "serial port /dev/x is open"


def test_a_device_that_was_unplugged_is_tried_at_once_when_it_is_back(make, caplog) -> None:
    standing = make("/dev/x")
    standing.failed("is busy")
    standing.failed("is busy")
    standing.absent()
    assert standing.may_be_tried
    standing.failed("is busy")
    standing.failed("is busy")
    assert caplog.messages == ["serial port /dev/x is busy"] * 2


def test_a_port_that_breaks_is_told_each_time(make, caplog) -> None:
    standing = make("/dev/x")
    for _ in range(2):
        standing.opened()
        standing.broke("is gone")
    assert [message.rpartition("/dev/x ")[2] for message in caplog.messages] == [
        "is open",
        "is gone",
        "is open",
        "is gone",
    ]


def test_a_serial_server_that_hangs_up_at_once_floods_no_log(make, clock, caplog) -> None:
    standing = make("socket://server:4000")
    for _ in range(10):
        standing.opened()
        clock.now += 1
        standing.broke("is gone")
    assert not standing.may_be_tried
    assert [message.rpartition(" is ")[2] for message in caplog.messages] == ["open", "gone"]
    standing.opened()
    clock.now += RETRY_S
    standing.stays_open()
    standing.stays_open()
    assert [message.rpartition(" is ")[2] for message in caplog.messages][2:] == ["open"]


def test_a_loan_and_its_end_are_told(make, caplog) -> None:
    standing = make("/dev/x")
    standing.opened()
    standing.lent()
    standing.lent()
    standing.opened()
    assert caplog.messages == [
        "serial port /dev/x is open",
        "serial port /dev/x is lent: the agent keeps away from it",
        "serial port /dev/x is taken back",
    ]
