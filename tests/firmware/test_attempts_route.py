"""Attempts over a route in our hands: what is kept, in which order, and what is given up."""

import os

from doorstep import Doorstep
from support import Nvs, raises
from warden.attempts import Attempts
from warden.counters import CountersError
from warden.spool import Spool, SpoolFull


class Route:
    """A route that answers when told."""

    longest = None

    def __init__(self):
        self.given = []
        self.answer = None
        self.free = True

    def idle(self):
        return self.free

    def send(self, sequential, message, ask):
        assert self.free
        self.given.append((sequential, ask))

    def take(self):
        answer, self.answer = self.answer, None
        return answer


class Parts:
    """Attempts over a route in our hands."""

    def __init__(self, spool_bytes=16384):
        at = self.at = Doorstep()
        self.route = Route()
        self.nvs = Nvs()
        self.clock = at.board.clock
        self._spool_bytes = spool_bytes
        self.start()

    def start(self):
        self.attempts = Attempts(
            self.at.late._guardiankey,
            self.at.late._sequence,
            self.route,
            self.clock,
            Spool("late", self._spool_bytes),
            lambda: "127.0.0.1",
            self.nvs,
        )

    def begin(self, user="alice"):
        number = self.attempts.start(user, "", False, self.clock.uptime())
        self.attempts.tick()
        return number

    def answer(self, *answer):
        self.route.answer = answer
        self.attempts.tick()


def damage(number):
    """Flip a letter in one line of the spool."""
    path = "late/" + os.listdir("late")[0]
    with open(path, "rb") as file:
        lines = file.read().split(b"\n")
    lines[number] = lines[number].replace(b"alice", b"mallo")
    with open(path, "wb") as file:
        file.write(b"\n".join(lines))


def test_a_route_that_is_busy_gets_the_live_attempt_when_it_is_idle():
    parts = Parts()
    parts.route.free = False
    parts.begin()
    assert not parts.route.given
    parts.route.free = True
    parts.attempts.tick()
    assert parts.route.given == [(1, True)]
    parts.answer(1, "ACCEPT", False)
    assert parts.attempts.verdict() == "ACCEPT"


def test_an_attempt_that_was_never_handed_over_is_late():
    parts = Parts()
    parts.route.free = False
    parts.begin()
    parts.attempts.close()
    assert len(parts.attempts) == 1
    parts.route.free = True
    parts.attempts.tick()
    assert parts.route.given == [(1, False)]


def test_an_answer_after_the_decision_still_settles_the_attempt():
    parts = Parts()
    parts.begin()
    parts.attempts.close()
    parts.answer(1, "ACCEPT", False)
    assert len(parts.attempts) == 0
    parts.attempts.tick()
    assert parts.route.given == [(1, True)]


def test_the_answer_to_an_earlier_attempt_is_no_verdict_on_this_one():
    parts = Parts()
    parts.begin()
    parts.attempts.close()
    parts.route.free = False
    parts.begin()
    parts.answer(1, "ACCEPT", False)
    assert parts.attempts.verdict() is None
    parts.route.free = True
    parts.answer(1, "ACCEPT", False)  # repeated
    assert parts.attempts.verdict() is None
    parts.answer(2, "BLOCK", False)
    assert parts.attempts.verdict() == "BLOCK"


def test_late_ones_keep_the_order_of_their_numbers():
    parts = Parts()
    parts.begin()
    parts.attempts.close()
    parts.route.free = False
    parts.begin()
    parts.attempts.close()  # 2 is late while 1 is still on the route
    parts.answer(1, "ERROR", True)
    parts.route.free = True
    parts.attempts.tick()
    assert parts.route.given[1:] == [(1, False)]
    parts.answer(1, "SENT", False)
    assert parts.route.given[2:] == [(2, False)]
    parts.start()
    assert len(parts.attempts) == 1, "2 is not settled"


def test_no_room_is_told_and_counted():
    parts = Parts(spool_bytes=400)
    for _ in range(6):
        parts.begin("x" * 64)
        parts.attempts.close()
        parts.answer(parts.route.given[-1][0], "ERROR", True)
    parts.route.free = False
    kept = len(parts.attempts)
    assert 0 < kept < 6
    assert kept + parts.attempts.discards == 6
    parts.start()
    assert len(parts.attempts) == kept


def test_a_full_flash_costs_the_attempt_but_not_the_board():
    parts = Parts()

    def full(_):
        raise SpoolFull("no space")

    parts.attempts._spool.append = full
    parts.begin()
    parts.answer(1, "ERROR", True)
    assert parts.attempts.discards == 1 and len(parts.attempts) == 0


def test_damaged_lines_cost_only_themselves():
    parts = Parts()
    for _ in range(3):
        number = parts.begin()
        parts.attempts.close()
        parts.answer(number, "ERROR", True)
    damage(0)
    parts.route.given = []
    parts.start()
    assert len(parts.attempts) == 2 and parts.attempts.discards == 1
    parts.attempts.tick()
    parts.answer(2, "SENT", False)
    parts.answer(3, "SENT", False)
    assert parts.route.given == [(2, False), (3, False)] and len(parts.attempts) == 0


def test_a_damaged_line_is_counted_once_over_any_number_of_starts():
    parts = Parts()
    for _ in range(3):
        number = parts.begin()
        parts.attempts.close()
        parts.answer(number, "ERROR", True)
    damage(0)
    for discards in (1, 0, 0):
        parts.start()
        assert (len(parts.attempts), parts.attempts.discards) == (2, discards)
    damage(2)
    for discards in (1, 0):
        parts.start()
        assert (len(parts.attempts), parts.attempts.discards) == (1, discards)
    parts.route.given = []
    parts.attempts.tick()
    parts.answer(2, "SENT", False)
    for _ in range(2):
        parts.start()
        assert (len(parts.attempts), parts.attempts.discards) == (0, 0)


def test_a_line_damaged_after_the_damaged_ones_are_gone_is_counted_too():
    parts = Parts()
    for _ in range(2):
        for _ in range(2):
            number = parts.begin()
            parts.attempts.close()
            parts.answer(number, "ERROR", True)
        damage(0)
        parts.start()
        assert (len(parts.attempts), parts.attempts.discards) == (1, 1)
        parts.attempts.tick()
        parts.answer(parts.route.given[-1][0], "SENT", False)
        assert not os.listdir("late")


def test_what_does_not_read_back_is_counted_and_not_tried_for_ever():
    parts = Parts()
    parts.begin()
    parts.attempts.close()
    parts.route.free = False
    parts.answer(1, "ERROR", True)
    assert len(parts.attempts) == 1
    os.remove("late/" + os.listdir("late")[0])
    parts.route.free = True
    parts.attempts.tick()
    assert len(parts.attempts) == 0 and parts.attempts.discards == 1


def test_a_number_that_cannot_be_kept_makes_no_attempt():
    parts = Parts()
    parts.at.numbers.broken = True
    with raises(CountersError):
        parts.begin()
    parts.attempts.tick()
    assert not parts.route.given and len(parts.attempts) == 0


def test_an_event_that_cannot_be_made_is_late_and_does_not_flood():
    parts = Parts()

    def no_memory(*_, **__):
        raise MemoryError

    real, parts.attempts._guardiankey.message = parts.attempts._guardiankey.message, no_memory
    parts.attempts.start("alice", "", False, parts.clock.uptime())
    raised = 0
    for _ in range(100):
        try:
            parts.attempts.tick()
        except MemoryError:
            raised += 1
        if raised:
            assert parts.attempts.verdict() == "none"
            parts.attempts.close()
    assert raised == 2, "live, then late"
    parts.attempts._guardiankey.message = real
    parts.at.board.pass_ms(60000)
    parts.attempts.tick()
    assert parts.route.given == [(1, False)]
