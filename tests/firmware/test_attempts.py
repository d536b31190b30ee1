"""Late attempts: kept, sent in order when nothing live is due, each the same event as ever."""

from doorstep import ACCOUNT, NOW, Doorstep
from support import raises


def offline(at, code="1234"):
    """One attempt while the agent hangs; it is late then."""
    at.response = None
    at.decide(code)
    at.run(100)  # the route's own 4 s
    at.hang_up()


def sent(at):
    return [(attempt["id"], attempt["ask"]) for attempt in at.attempts]


def test_an_attempt_without_an_answer_is_sent_later_and_is_the_same_event():
    at = Doorstep()
    offline(at)
    assert len(at.late) == 1
    at.run(2000)
    assert sent(at)[0] == (1, True) and sent(at)[-1] == (1, False)
    assert at.attempts[0]["message"] == at.attempts[-1]["message"]
    assert len(at.late) == 0
    before = len(at.attempts)
    at.run(70000)
    assert len(at.attempts) == before


def test_a_long_user_agent_keeps_no_attempt_from_its_verdict():
    ACCOUNT.user_agent = "李" * 500
    at = Doorstep()
    assert at.decide("1234")["verdict"] == "ACCEPT"
    assert at.attempts[-1]["event"]["userAgent"] == "李" * 500, "as it is, while there is room"
    ACCOUNT.client_reverse = "é" * 253
    at.reset()
    at.run(100)
    assert at.decide("1234")["verdict"] == "ACCEPT"
    event = at.attempts[-1]["event"]
    assert 300 < len(event["userAgent"]) < 500 and event["clientReverse"] == "é" * 253
    offline(at)
    at.run(2000)
    assert sent(at)[-1] == (3, False) and len(at.late) == 0


def test_late_attempts_go_one_by_one_oldest_first():
    at = Doorstep()
    for code in ("1234", "9999", "1234"):
        offline(at, code)
    assert len(at.late) == 3
    at.attempts = []
    at.run(20000)
    assert sent(at) == [(1, False), (2, False), (3, False)]
    assert [attempt["event"]["loginFailed"] for attempt in at.attempts] == ["0", "1", "0"]
    assert len(at.late) == 0


def test_late_attempts_survive_power_cuts_and_are_not_sent_twice():
    at = Doorstep()
    for _ in range(3):
        offline(at)
    message = at.attempts[0]["message"]
    at.reset()
    assert len(at.late) == 3
    while len(at.late) == 3:
        at.tick()
    assert at.attempts[0]["message"] == message
    at.reset()
    assert len(at.late) == 2
    at.run(10000)
    assert sent(at) == [(2, False), (3, False)]
    at.reset()
    assert len(at.late) == 0
    assert at.decide("1234")["attempt"] == 4


def test_an_attempt_that_a_power_cut_ends_is_counted_once():
    at = Doorstep()
    assert at.decide("1234")["verdict"] == "ACCEPT"
    at.reset()
    assert at.late.discards == 0, "the first one is at GuardianKey"
    at.run(100)
    at.response = None
    at.enter("1234")
    at.run(500)
    at.reset()
    assert at.late.discards == 1
    at.reset()
    assert at.late.discards == 0
    at.run(100)
    at.response = "ACCEPT"
    assert at.decide("1234")["attempt"] == 3
    at.reset()
    assert at.late.discards == 0


def test_a_failure_pauses_the_late_ones_for_a_minute():
    at = Doorstep()
    offline(at)
    at.late_response = "ERROR"
    at.run(20000)
    assert sent(at).count((1, False)) == 1
    at.late_response = "SENT"
    at.run(30000)
    assert sent(at).count((1, False)) == 1
    at.run(20000)
    assert sent(at).count((1, False)) == 2 and len(at.late) == 0


def test_a_verdict_on_a_late_one_settles_it_and_opens_nothing():
    at = Doorstep()
    offline(at)
    at.late_response = "ACCEPT"
    at.run(20000)
    assert len(at.late) == 0 and not at.is_open() and len(at.events) == 1


def test_what_guardiankey_never_takes_is_given_up_and_counted():
    at = Doorstep()
    at.extra = {"verdict": {"id": 1, "response": "ERROR", "reason": "no\nkey", "retry": False}}
    at.decide("1234")
    at.run(70000)
    assert sent(at) == [(1, True)] and len(at.late) == 0
    assert at.late.discards == 1
    assert "guardiankey: attempt 1 is lost: GuardianKey does not take it" in at.lines


def test_an_error_that_may_pass_makes_it_late():
    at = Doorstep()
    at.response = "ERROR"
    assert at.decide("1234", 200)["verdict"] == "none", "decided without waiting"
    at.run(1000)
    assert sent(at) == [(1, True), (1, False)] and at.late.discards == 0


def test_a_live_attempt_does_not_wait_for_a_late_one():
    at = Doorstep()
    offline(at)
    at.late_response = None
    while sent(at)[-1] != (1, False):
        at.tick()
    at.hang_up()
    at.response, at.late_response = "ACCEPT", "SENT"
    assert at.decide("1234", 200)["opened"]
    at.run(20000)
    assert len(at.late) == 0 and sent(at)[-1] == (1, False)


def test_without_the_time_an_attempt_is_late_and_dated_once_it_is_known():
    at = Doorstep()
    at.reset()
    at.board.clock._epoch = None
    at.talk.session._greeted = True  # but its answer took too long to set the clock
    at.talk.session._sent_at = at.board.clock.ticks()
    at.enter("1234")
    at.tick()
    at.tick()
    assert at.events[0][1]["verdict"] == "none" and len(at.late) == 1
    uptime = at.events[0][2]
    at.run(8000)
    assert sent(at) == [(1, False)]
    assert at.attempts[0]["event"]["generatedTime"] == at.board.clock.unix_ms(uptime) // 1000


def test_an_attempt_of_an_earlier_run_without_a_time_gets_that_of_sending():
    at = Doorstep()
    at.reset()
    at.enter("1234")
    at.tick()
    at.tick()
    assert len(at.late) == 1
    at.reset()
    at.board.pass_ms(3600000)
    at.run(500)
    assert sent(at) == [(1, False)]
    now = at.board.clock.unix_ms(at.board.clock.uptime())
    assert now // 1000 - 2 <= at.attempts[0]["event"]["generatedTime"] <= now // 1000


def test_the_rtc_dates_what_the_agent_has_not_dated_yet():
    at = Doorstep()
    at.reset()
    at.rtc.now = NOW + 86400000
    at.enter("1234")
    at.tick()
    at.tick()
    assert not at.events, "it is live"
    at.run(300)
    assert at.events[0][1]["verdict"] == "ACCEPT"
    assert at.attempts[0]["event"]["generatedTime"] == NOW // 1000 + 86400


def test_an_attempt_of_which_no_event_can_be_made_holds_no_other_back():
    at = Doorstep()
    at.reset()
    at.board.clock._epoch = None
    at.talk.session._greeted = True
    at.talk.session._sent_at = at.board.clock.ticks()
    at.enter("1234")
    at.tick()
    at.tick()
    at.board.clock.set(0, at.board.clock.uptime() + 5000)  # an agent whose clock was never set
    with raises(ValueError, "generated_time"):
        at.run(100)
    assert len(at.late) == 0 and at.late.discards == 1
    at.board.clock.set(NOW, at.board.clock.uptime())
    offline(at)
    at.run(2000)
    assert sent(at)[-1] == (2, False) and len(at.late) == 0
