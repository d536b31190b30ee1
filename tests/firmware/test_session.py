import json

from support import Board
from warden.frames import Codec
from warden.link_http import Transfer
from warden.session import Session

KEY = bytes(range(32))


class Agent:
    """The other end of the link: holds the frame in flight until the test answers it."""

    def __init__(self):
        self.frames = []
        self._transfer = None
        self._codec = Codec("front-door", KEY)
        self._codec._reply = self._codec._report  # opens reports ...
        self._seal = Codec("front-door", KEY)
        self._seal._report = self._seal._reply  # ... and seals replies

    def send(self, frame):
        assert self._transfer is None
        self.frames.append(frame)

    def take(self):
        transfer, self._transfer = self._transfer, None
        return transfer

    def report(self):
        return json.loads(self._seal_free(self.frames[-1]))

    def _seal_free(self, frame):
        from warden import frames

        limit, frames.REPLY_LIMIT = frames.REPLY_LIMIT, frames.FRAME_LIMIT
        try:
            return self._codec.open(frame)
        finally:
            frames.REPLY_LIMIT = limit

    def answer(self, re=None, **reply):
        reply["re"] = re or self.frames[-1].split(b".")[4].decode()
        reply.setdefault("now", 1700000000000)
        self._transfer = Transfer(200, self._seal.seal(json.dumps(reply).encode())[0], 0, None)

    def fail(self, status=0, body=b"", retry_s=0, error=None):
        self._transfer = Transfer(status, body, retry_s, error)


class Talk:
    """A board in conversation with an agent, with the time in our hands."""

    def __init__(self):
        self.board = Board()
        self.agent = Agent()
        self.health = {"queue": 0}
        self.session = Session(
            Codec("front-door", KEY),
            self.board.counters,
            self.board.queue,
            self.board.clock,
            self.agent,
            lambda: self.health,
            5000,
        )

    def sent(self, milliseconds=0):
        """Let time pass; the reports sent meanwhile."""
        before = len(self.agent.frames)
        for _ in range(0, milliseconds + 1, 10):
            self.session.tick()
            self.board.pass_ms(10)
        return len(self.agent.frames) - before


def test_the_first_frame_goes_out_at_once_with_boot_frame_and_health():
    talk = Talk()
    assert talk.sent() == 1
    assert talk.agent.report() == {"boot": 1, "frame": 1, "health": {"queue": 0}, "events": []}


def test_one_frame_is_in_flight_and_a_retry_is_a_new_frame():
    talk = Talk()
    talk.board.press()
    assert talk.sent(20000) == 1
    talk.agent.fail(error="OSError(111,)")
    assert talk.sent(1000) == 1
    report = talk.agent.report()
    assert (report["boot"], report["frame"]) == (1, 2)
    assert report["events"][0]["id"] == [1, 1]


def test_events_are_forgotten_on_ack_only():
    talk = Talk()
    talk.board.press()
    talk.board.press()
    talk.sent()
    talk.agent.answer(ack=[1, 1])
    talk.sent(2000)
    assert [event["id"] for event in talk.agent.report()["events"]] == [[1, 2]]
    talk.agent.answer(ack=[1, 2])
    talk.sent()
    assert len(talk.board.queue) == 0


def test_an_idle_board_polls_and_a_press_does_not_wait_for_the_poll():
    talk = Talk()
    talk.sent()
    talk.agent.answer(ack=[0, 0])
    assert talk.sent(4500) == 0
    talk.board.press()
    assert talk.sent(10) == 1
    talk.agent.answer(ack=[1, 1])
    talk.sent()
    assert talk.sent(6000) == 1
    assert talk.agent.report()["events"] == []


def test_the_reply_sets_the_clock():
    talk = Talk()
    talk.sent()
    talk.agent.answer(ack=[0, 0], now=1700000000000)
    talk.sent()
    assert abs(talk.board.clock.unix_ms(talk.board.clock.uptime()) - 1700000000000) < 100


def test_health_is_repeated_every_minute_and_after_a_lost_reply():
    talk = Talk()
    talk.sent()
    talk.agent.fail(error="OSError(110,)")
    talk.sent(2000)
    assert "health" in talk.agent.report()
    talk.agent.answer(ack=[0, 0])
    talk.sent(6000)
    assert "health" not in talk.agent.report()
    talk.agent.answer(ack=[0, 0])
    for _ in range(11):
        talk.sent(6000)
        talk.agent.answer(ack=[0, 0])
    reports = [json.loads(talk.agent._seal_free(frame)) for frame in talk.agent.frames]
    assert len([1 for report in reports if "health" in report]) == 3


def test_a_stale_board_goes_on_above_the_agents_boot_with_new_ids():
    talk = Talk()
    talk.board.press()
    talk.sent()
    talk.agent.answer(error="stale", boot=7)
    talk.sent(20)
    report = talk.agent.report()
    assert (report["boot"], report["frame"]) == (8, 1)
    assert report["events"][0]["id"][0] == 8
    talk.agent.answer(ack=report["events"][0]["id"])
    talk.sent()
    assert len(talk.board.queue) == 0


def test_a_reply_to_another_frame_is_no_reply():
    talk = Talk()
    talk.board.press()
    talk.sent()
    talk.agent.answer(re="AAAAAAAAAAAAAAAAAAAAAA", ack=[1, 1])
    talk.sent()
    assert len(talk.board.queue) == 1


def test_plain_answers_cost_nothing_and_never_silence_the_board():
    talk = Talk()
    talk.board.press()
    talk.sent()
    for status, body, retry_s in (
        (401, b"", 0),
        (503, b"busy", 86400),
        (200, b"ok", 0),
        (413, b"", 0),
        (200, b"a.b.c.d.e", 1 << 40),
    ):
        talk.agent.fail(status, body, retry_s)
        assert talk.sent(61000) == 1, status
        assert len(talk.board.queue) == 1


def test_a_sealed_refusal_keeps_events_and_sets_the_pace():
    talk = Talk()
    talk.board.press()
    talk.sent()
    talk.agent.answer(error="full", retry_ms=20000)
    assert talk.sent(19000) == 0
    assert talk.sent(2000) == 1
    assert len(talk.board.queue) == 1


def test_failures_slow_down_and_success_resets_the_pace():
    talk = Talk()
    talk.board.press()
    talk.sent()
    waits = []
    for _ in range(12):
        talk.agent.fail(error="OSError(111,)")
        waited = 0
        while not talk.sent(100):
            waited += 110
        waits.append(waited)
    assert waits[0] < 1000 and 7000 <= max(waits) <= 15500
    talk.agent.answer(ack=[1, 1])
    talk.sent()
    talk.board.press()
    assert talk.sent(10) == 1


def test_an_agent_that_never_acknowledges_is_not_hammered():
    talk = Talk()
    talk.board.press()
    assert talk.sent() == 1
    waited = 0
    for _ in range(10):
        talk.agent.answer(ack=[0, 0])
        while not talk.sent(100):
            waited += 100
    assert waited > 30000


def test_sealed_nonsense_is_refused_without_harm():
    talk = Talk()
    talk.board.press()
    talk.sent()
    for reply in (
        {"ack": "x"},
        {"ack": [1]},
        {"ack": None},
        {"now": "x", "ack": [1, 1]},
        {"error": "stale"},
        {"error": "stale", "boot": "x"},
        {"error": "full", "retry_ms": "x"},
    ):
        talk.agent.answer(**reply)
        assert talk.sent(61000) == 1, reply
        assert len(talk.board.queue) == 1
