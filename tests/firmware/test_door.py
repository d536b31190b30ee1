"""The rules of a door, with all of its parts: see doorstep."""

from doorstep import NOW, Doorstep


def test_a_good_code_and_accept_open_the_door_for_its_time():
    at = Doorstep()
    params = at.decide("1234", 500)
    assert params == {
        "user": "alice",
        "granted": True,
        "opened": True,
        "verdict": "ACCEPT",
        "attempt": 1,
    }
    assert at.lines == ["door: opened for alice (ACCEPT)"]
    at.run(2900)
    assert at.is_open()
    at.run(200)
    assert not at.is_open()


def test_the_event_says_who_when_and_whether():
    at = Doorstep()
    at.decide("1234")
    at.run(4000)
    at.decide("9999")
    good, bad = at.attempts
    assert good["id"] == 1 and good["ask"] and good["authGroupId"] == "group"
    event = good["event"]
    assert (event["userName"], event["userEmail"]) == ("alice", "alice@example.com")
    assert (event["loginFailed"], event["sequential"]) == ("0", 1)
    assert event["clientIP"] == "192.0.2.1"
    uptime = at.events[0][2]
    assert event["generatedTime"] == at.board.clock.unix_ms(uptime) // 1000 >= NOW // 1000
    event = bad["event"]
    assert (event["userName"], event["userEmail"]) == ("front-door keypad", "")
    assert (event["loginFailed"], event["sequential"]) == ("1", 2)


def decided(response, *rules):
    """What a good code comes to, under these rules."""
    at = Doorstep(*rules)
    at.response = response
    return at.decide("1234")


def test_every_rule():
    # What GuardianKey says, hard_notify, no_verdict: does a good code open?
    table = (
        ("ACCEPT", "closed", "closed", True),
        ("NOTIFY", "closed", "closed", True),
        ("HARD_NOTIFY", "closed", "closed", False),
        ("HARD_NOTIFY", "closed", "open", False),
        ("HARD_NOTIFY", "open", "closed", True),
        ("BLOCK", "open", "open", False),
        ("ERROR", "open", "closed", False),
        ("ERROR", "closed", "open", True),
        ("SENT", "open", "closed", False),
        ("SENT", "closed", "open", True),
        ("OPEN SESAME", "open", "closed", False),
        (None, "open", "closed", False),
        (None, "closed", "open", True),
    )
    for response, hard_notify, no_verdict, opens in table:
        params = decided(response, no_verdict, hard_notify)
        assert params["granted"] and params["opened"] == opens, (response, hard_notify, no_verdict)
        known = response in ("ACCEPT", "NOTIFY", "HARD_NOTIFY", "BLOCK")
        assert params["verdict"] == (response if known else "none")
        assert "reason" not in params


def test_a_wrong_code_never_opens():
    at = Doorstep("open", "open", lockout_after=100)
    for response in ("ACCEPT", "NOTIFY", "HARD_NOTIFY", "BLOCK", "ERROR", "SENT"):
        at.response = response
        params = at.decide("9999")
        assert not params["granted"] and not params["opened"], response
        assert (params["user"], params["reason"]) == ("front-door keypad", "unknown")
    at.response = "ACCEPT"
    for code in ("1", "ABCD", "12341234123412341", "12345", "123"):
        assert at.decide(code)["reason"] == "unknown"
    at.response = None
    assert not at.decide("9999")["opened"]


def test_a_code_is_no_badge():
    at = Doorstep("open")
    at.enter("1234", kind="badge")
    at.run(100)
    assert at.events[0][1]["reason"] == "unknown" and not at.is_open()


def test_what_was_typed_is_told_to_nobody():
    at = Doorstep()
    for code in ("1234", "8642"):
        at.decide(code)
        at.run(4000)
    told = repr((at.lines, at.events, [attempt["event"] for attempt in at.attempts]))
    for code in ("1234", "8642"):
        assert code not in told.replace("front-door", "")
    assert at.lines[-1] == "door: refused front-door keypad (unknown, ACCEPT)"


def test_without_guardiankey_the_rule_for_no_verdict_decides():
    for rule, opens in (("open", True), ("closed", False)):
        at = Doorstep(rule, relay=False)
        params = at.decide("1234", 100)
        assert params["opened"] == opens
        assert (params["verdict"], params["attempt"]) == ("none", 0)
        at.run(4000)
        assert not at.decide("4321", 100)["granted"]


def test_an_agent_that_hangs_keeps_the_door_shut_and_the_decision_in_time():
    at = Doorstep()
    at.response = None
    at.enter("1234")
    at.run(3980)
    assert not at.events
    at.run(40)
    params = at.events[0][1]
    assert params["verdict"] == "none" and not params["opened"] and params["granted"]
    assert at.lines == ["door: refused alice (no verdict)"]


def test_a_verdict_after_the_decision_changes_nothing():
    at = Doorstep()
    at.response = None
    at.decide("1234")
    frame = at.talk.agent.frames[-1]
    verdict = {"id": 1, "response": "ACCEPT", "retry": False}
    at.talk.agent.answer(re=frame.split(b".")[4].decode(), ack=[0, 0], verdict=verdict)
    at.run(500)
    assert not at.is_open() and len(at.events) == 1


def test_verdicts_for_other_attempts_open_nothing():
    at = Doorstep("closed", "open")
    at.response = None
    at.enter("1234")
    at.run(50)
    at.talk.agent.answer(ack=[0, 0], verdict={"id": 2, "response": "ACCEPT", "retry": False})
    at.run(5000)
    assert at.events[0][1]["verdict"] == "none" and not at.is_open()
    at.response = "BLOCK"
    at.extra = {"verdict": {"id": 1, "response": "ACCEPT", "retry": False}}
    assert not at.decide("1234")["opened"]


def test_nonsense_in_a_reply_opens_nothing():
    at = Doorstep()
    at.response = "BLOCK"
    for extra in (
        {"verdict": "ACCEPT"},
        {"verdict": {"id": 2, "response": True, "retry": False}},
        {"access": {"lockdown": False}},
        {"access": 5, "verdict": ["ACCEPT"]},
    ):
        at.extra = extra
        assert not at.decide("1234")["opened"], extra
        assert at.access.state[1] == at.rev


def test_a_lockdown_opens_nothing_but_the_attempt_is_reported_as_failed():
    at = Doorstep("open", "open")
    at.replicate(lockdown=True)
    for response in ("ACCEPT", None):
        at.response = response
        params = at.decide("1234")
        assert not params["granted"] and not params["opened"]
        assert (params["user"], params["reason"]) == ("alice", "lockdown")
    assert at.attempts[0]["event"]["loginFailed"] == "1"
    assert at.attempts[0]["event"]["userName"] == "alice"


def test_a_lockdown_that_comes_with_the_verdict_counts():
    at = Doorstep()
    change = {"list": "00c0ffee", "salt": "AAAAAAAAAAAAAAAAAAAAAA==", "iterations": 1, "from": 1}
    change.update({"rev": 2, "lockdown": True, "set": [], "unset": [], "more": False})
    at.extra = {"access": change}
    params = at.decide("1234")
    assert (params["opened"], params["reason"]) == (False, "lockdown")


def test_a_user_who_is_removed_meanwhile_stays_outside():
    at = Doorstep()
    change = {"list": "00c0ffee", "salt": "AAAAAAAAAAAAAAAAAAAAAA==", "iterations": 1, "from": 1}
    change.update({"rev": 2, "lockdown": False, "set": [], "unset": [["alice", "code"]]})
    at.extra = {"access": dict(change, more=False)}
    params = at.decide("1234")
    assert (params["opened"], params["granted"], params["reason"]) == (False, False, "removed")
