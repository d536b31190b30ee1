"""The rules of retrying, without any I/O."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.delivery.judgement import excerpt, failed, retry_after_s, retry_delay_s
from host_agent.delivery.settings import DeliverySettings
from host_agent.store import Dead, Outgoing, Retry

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def event(attempts=0, first_attempt_ms=None):
    return Outgoing(1, "door", "lock", "", 1, 1, "t", {}, 0, attempts, first_attempt_ms)


@given(attempts=st.integers(0, 2**31), base=st.floats(0.01, 60), cap=st.floats(0.01, 86_400))
def test_the_delay_is_jittered_below_a_doubling_bound_and_the_cap(attempts, base, cap):
    settings = DeliverySettings(retry_base_s=base, retry_cap_s=cap)
    delay = retry_delay_s(attempts, settings)
    assert 0 <= delay <= cap
    assert delay <= base * 2 ** min(attempts, 40)


def test_the_first_failure_starts_the_clock_of_giving_up():
    settings = DeliverySettings(give_up_after_s=100)
    first = failed(event(), "HTTP 503", 5000, settings)
    assert isinstance(first, Retry)
    assert (first.attempts, first.first_attempt_ms) == (1, 5000)

    assert isinstance(failed(event(1, 5000), "HTTP 503", 104_999, settings), Retry)
    assert isinstance(failed(event(1, 5000), "HTTP 503", 105_000, settings), Dead)


@pytest.mark.parametrize(("attempts", "fate"), [(1, Retry), (22, Retry), (23, Dead)])
def test_a_day_in_which_nobody_tried_is_no_day_of_failures(attempts, fate):
    outcome = failed(event(attempts, 0), "HTTP 503", 400 * 86_400_000, DeliverySettings())
    assert isinstance(outcome, fate)


def test_a_clock_that_was_set_back_begins_the_time_anew():
    retry = failed(event(100, 90_000_000), "HTTP 503", 1000, DeliverySettings())
    assert isinstance(retry, Retry)
    assert retry.first_attempt_ms == 1000


def test_retry_after_is_the_least_delay():
    retry = failed(event(), "HTTP 503", 0, DeliverySettings(retry_cap_s=1), retry_after_s=30)
    assert retry.next_ms >= 30_000


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("0", 0),
        (" 120 ", 120),
        ("99999999999999999999", 3600),
        ("Fri, 02 Jan 2026 03:04:35 GMT", 30),
        ("Fri, 02 Jan 2026 03:00:00 GMT", 0),
        ("Fri, 02 Jan 2099 03:00:00 GMT", 3600),
        ("-5", 0),
        ("Fri, 02 Jan 2026 03:04:35 +99999999999999999999", 0),
        ("Fri, 02 Jan 99999999999999999999 03:04:35 GMT", 0),
        ("soon", 0),
        ("", 0),
    ],
)
def test_retry_after_in_both_forms_bounded(header, seconds):
    assert retry_after_s(header, NOW) == seconds


@given(st.text())
def test_any_retry_after_is_survived(header):
    assert 0 <= retry_after_s(header, NOW) <= 3600


@given(st.text())
def test_an_excerpt_is_one_short_printable_line(answer):
    text = excerpt(answer)
    assert text.isprintable()
    assert len(text) <= 200
