"""Attempts as an extra of the real session; the agent is the test."""

import binascii
import json

import warden.route_relay
import warden.session
from support import KEY, Agent, Talk
from warden import cfb8
from warden.access_list import AccessList
from warden.access_sync import AccessSync
from warden.frames import FRAME_LIMIT, Codec
from warden.guardiankey import GuardianKey
from warden.route_relay import RelayRoute

MESSAGE = b"c2VjcmV0"
ATTEMPT = {"id": 7, "authGroupId": 'gr"oup', "message": "c2VjcmV0", "ask": True}


class Relaying(Talk):
    """A conversation with a route whose attempts ride along."""

    def __init__(self, greeted=True):
        super().__init__()
        self.route = RelayRoute('gr"oup', self.board.clock)
        self.session._extras = (self.route,)
        if greeted:
            self.greet()

    def verdict(self, response="ACCEPT", id=7, retry=False, **reply):
        """The agent's verdict, and what the route makes of it."""
        reply.setdefault("ack", [0, 0])
        verdict = {"id": id, "response": response, "retry": retry}
        self.agent.answer(verdict=verdict, **reply)
        self.session.tick()
        return self.route.take()


def told():
    """The lines that the session prints from now on."""
    lines = []
    warden.session.print = lambda *words: lines.append(" ".join([str(word) for word in words]))
    return lines


def test_a_live_attempt_goes_at_once_in_a_frame_without_events_and_health():
    talk = Relaying()
    talk.board.pass_ms(70000)  # health is due
    talk.board.press()
    talk.route.send(7, MESSAGE, True)
    assert talk.sent() == 1
    report = talk.agent.report()
    assert report == {"boot": 1, "frame": 2, "attempt": ATTEMPT, "events": []}
    assert talk.verdict("NOTIFY") == (7, "NOTIFY", False)
    assert talk.route.take() is None and talk.route.idle()
    assert talk.sent() == 1
    report = talk.agent.report()
    assert len(report["events"]) == 1 and "health" in report and "attempt" not in report


def test_a_late_attempt_rides_with_the_events():
    talk = Relaying()
    talk.board.press()
    talk.route.send(7, MESSAGE, False)
    talk.sent()
    report = talk.agent.report()
    assert report["attempt"] == dict(ATTEMPT, ask=False)
    assert len(report["events"]) == 1
    assert talk.verdict("SENT", ack=[1, 1]) == (7, "SENT", False)


def test_no_attempt_goes_before_the_agent_accepted_a_frame():
    talk = Relaying(greeted=False)
    talk.route.send(7, MESSAGE, True)
    talk.sent()
    assert "attempt" not in talk.agent.report()
    talk.agent.answer(ack=[0, 0])
    talk.sent(10)
    assert talk.agent.report()["attempt"] == ATTEMPT


def test_a_live_attempt_cuts_a_back_off_short_once():
    talk = Relaying()
    talk.board.press()
    talk.sent()
    talk.agent.answer(error="full", retry_ms=30000)
    assert talk.sent(1000) == 0
    talk.route.send(7, MESSAGE, True)
    assert talk.sent() == 1
    talk.agent.fail(error="OSError(111,)")
    talk.session.tick()
    assert talk.session._wait_ms > 0
    assert talk.sent() == 0, "not a second time"
    assert talk.sent(3900) == 1, "but by the usual pace"
    assert talk.agent.report()["attempt"] == ATTEMPT and talk.agent.report()["events"] == []


def test_a_late_attempt_waits_for_the_end_of_a_back_off():
    talk = Relaying()
    talk.board.press()
    talk.sent()
    talk.agent.answer(error="full", retry_ms=5000)
    talk.sent(100)
    talk.route.send(7, MESSAGE, False)
    assert talk.sent(4000) == 0
    assert talk.sent(1500) == 1
    assert "attempt" in talk.agent.report()


def test_a_lost_reply_asks_again_for_the_same_attempt():
    talk = Relaying()
    talk.route.send(7, MESSAGE, True)
    talk.sent()
    talk.agent.fail(error="OSError(104,)")
    assert talk.sent(1000) == 1
    assert talk.agent.report()["attempt"] == ATTEMPT
    assert talk.verdict("BLOCK") == (7, "BLOCK", False)


def test_an_agent_that_refuses_the_frame_is_asked_again_and_may_still_give_the_verdict():
    talk = Relaying()
    talk.route.send(7, MESSAGE, True)
    talk.sent()
    talk.agent.answer(error="stale", boot=8)
    assert talk.sent(20) == 1
    assert talk.agent.report()["boot"] == 9 and talk.agent.report()["attempt"] == ATTEMPT
    assert talk.route.take() is None
    talk.agent.answer(error="full", verdict={"id": 7, "response": "ACCEPT", "retry": False})
    talk.session.tick()
    assert talk.route.take() == (7, "ACCEPT", False)


def test_an_agent_that_does_not_relay_is_not_asked_again_and_again():
    talk = Relaying()
    talk.route.send(7, MESSAGE, True)
    talk.sent()
    talk.agent.answer(ack=[0, 0])
    talk.session.tick()
    assert talk.route.take() == (7, "ERROR", True)
    assert talk.sent(4000) == 0


def test_without_an_answer_in_time_there_is_none():
    talk = Relaying()
    talk.route.send(7, MESSAGE, True)
    talk.sent(3980)
    assert talk.route.take() is None
    talk.sent(20)
    assert talk.route.take() == (7, "ERROR", True)
    assert talk.verdict() is None, "too late"


def test_a_late_attempt_waits_for_an_agent_that_is_away():
    talk = Relaying()
    talk.route.send(7, MESSAGE, False)
    talk.sent(3600000)
    assert talk.route.take() is None
    talk.agent.fail(error="OSError(110,)")
    talk.sent(60000)
    talk.agent.answer(ack=[0, 0], verdict={"id": 7, "response": "SENT", "retry": False})
    talk.session.tick()
    assert talk.route.take() == (7, "SENT", False)


def test_verdicts_that_answer_nothing_asked_change_nothing():
    talk = Relaying()
    talk.sent(6000)
    assert talk.verdict() is None
    talk.sent(6000)  # a poll is in flight
    talk.route.send(7, MESSAGE, True)
    assert talk.verdict() is None, "the attempt was not in that frame"
    talk.sent()
    assert talk.verdict("ACCEPT") == (7, "ACCEPT", False)
    talk.sent(6000)
    assert talk.verdict("BLOCK") is None, "it was answered"


def test_nonsense_is_told_and_counts_as_no_verdict():
    for verdict in (
        "ACCEPT",
        [],
        {},
        {"id": 7},
        {"id": "7", "response": "ACCEPT"},
        {"id": True, "response": "ACCEPT"},
        {"id": 8, "response": "ACCEPT", "retry": False},
        {"id": 7, "response": "accept", "retry": False},
        {"id": 7, "response": ["ACCEPT"], "retry": False},
        {"id": 7, "response": None, "retry": False},
        {"id": 7, "response": "ACCEPT", "retry": "no"},
    ):
        talk = Relaying()
        talk.board.press()
        talk.route.send(7, MESSAGE, False)
        talk.sent()
        lines = told()
        talk.agent.answer(ack=[1, 1], verdict=verdict)
        talk.session.tick()
        assert talk.route.take() == (7, "ERROR", True), verdict
        assert len(lines) == 1 and "the verdict is" in lines[0], lines
        assert len(talk.board.queue) == 0, "the rest of the reply counts"


def test_a_late_attempt_makes_way_for_a_live_one():
    talk = Relaying()
    talk.route.send(6, MESSAGE, False)
    talk.sent()
    assert talk.route.idle()
    talk.route.send(7, MESSAGE, True)
    assert not talk.route.idle()
    assert talk.verdict("SENT", id=6) is None
    talk.sent()
    assert talk.agent.report()["attempt"]["id"] == 7
    assert talk.verdict() == (7, "ACCEPT", False)


def crowded(auth_group_id):
    """A conversation of the longest device name, with all else that a report may carry."""
    Talk._codec = Codec("d" * 64, KEY)
    talk = Relaying(greeted=False)
    Agent._codec = Codec("d" * 64, KEY, "reply", "report", limit=FRAME_LIMIT)
    talk.route = RelayRoute(auth_group_id, talk.board.clock)
    access = AccessList()
    access.state = ("00c0ffee", (1 << 31) - 1)
    talk.session._extras = (AccessSync(access), talk.route)
    talk.health = {"figures and their names": "9" * 270}
    talk.greet()
    talk.board.counters.boot = 0x7FFF0000
    talk.session._frame = 1 << 31
    talk.board.pass_ms(70000)  # health is due
    return talk


def test_a_late_attempt_leaves_room_for_the_rest_of_a_report_or_goes_alone():
    group = "李" * 64
    shared = warden.route_relay._SHARED - len(group.encode()) - 2
    talk = crowded(group)
    talk.route.send(1 << 40, b"A" * shared, False)
    assert talk.sent() == 1
    report = talk.agent.report()
    assert len(report["attempt"]["message"]) == shared and "health" in report
    talk.agent.answer(ack=[0, 0])
    talk.session.tick()
    talk.route.take()
    talk.board.pass_ms(70000)
    talk.board.press()
    talk.route.send(1 << 40, b"A" * (shared + 4), False)
    assert talk.sent() == 1
    report = talk.agent.report()
    assert report["attempt"]["id"] == 1 << 40
    assert "health" not in report and report["events"] == []


def test_the_longest_message_fits_into_a_frame():
    for group in ('"' * 64, "李" * 64, "😀" * 64):
        for ask in (True, False):
            talk = crowded(group)
            talk.route.send(1 << 40, b"A" * talk.route.longest, ask)
            assert talk.sent() == 1
            assert talk.agent.report()["attempt"]["authGroupId"] == group


class Account:
    """The longest account that config lets pass for the relay route: ids, service, address have 790
    bytes."""

    key, iv = bytes(32), bytes(16)
    client_reverse = "李" * 253
    user_agent = "李" * 500

    def __init__(self, auth_group_id, other, client_ip):
        self.auth_group_id = auth_group_id
        self.agent_id = self.organization_id = self.service = other
        self.client_ip = client_ip
        texts = (auth_group_id, other, other, other, client_ip)
        assert sum([len(text.encode()) for text in texts]) in range(780, 791)


def test_every_attempt_fits():
    for account in (
        Account("李" * 64, "李" * 64, "192.168.100.1"),
        Account("😀" * 64, "😀" * 43, "192.168.100.1"),
    ):
        guardiankey = GuardianKey(account)
        route = RelayRoute(account.auth_group_id, None)
        for letter in ("x", "é", "李", "😀"):
            user, email = letter * 64, letter * 128
            message = guardiankey.message(
                1 << 36,
                user,
                True,
                1 << 40,
                account.client_ip,
                email,
                longest=route.longest,
            )
            made = json.loads(cfb8.decrypt(account.key, account.iv, binascii.a2b_base64(message)))
            assert (made["userName"], made["userEmail"]) == (user, email)
            assert (made["service"], made["clientIP"]) == (account.service, account.client_ip)


class More:
    """An extra that asks for more so many times."""

    def __init__(self, times):
        self.left = times

    def wants(self):
        return warden.session.NOTHING

    def fields(self, room):
        return b',"left":%d' % self.left

    def read(self, reply):
        self.left -= 1
        return self.left > 0


def test_an_extra_may_have_the_next_frame_sent_at_once():
    talk = Talk(extras=(More(4),))
    for left in (None, 3, 2, 1):
        assert talk.sent(10) == 1
        assert talk.agent.report().get("left") == left
        talk.agent.answer(ack=[0, 0])
    assert talk.sent(4000) == 0


def test_a_report_that_is_too_long_is_not_sent():
    class Endless(More):
        def fields(self, room):
            return b',"x":"%s"' % (b"x" * 3000)

    talk = Talk(extras=(Endless(0),))
    talk.greet()
    talk.board.press()
    for _ in range(5):
        try:
            talk.session.tick()
        except ValueError as error:
            assert "a report of more than" in str(error)
    assert len(talk.agent.frames) == 1
