"""The serial link against a UART that drops what an ESP32's would, and blocks nobody."""

import random

from support import Ticks, no_allocation
from uart import Port, Uart
from warden.link_serial import SerialLink

FRAME = b"eyJ" + bytes([65 + n % 26 for n in range(4093)])
REPLY = b"eyJ" + bytes([97 + n % 26 for n in range(2045)])


class Rig:
    """A link and the agent at the other end of the cable; `run` lets time pass for both."""

    def __init__(self, pieces_of=120):
        self.ticks = Ticks(period=1 << 30)
        self.uart = Uart(self.ticks)
        self.port = Port(self.uart, pieces_of)
        self.link = SerialLink(self.ticks.clock(), self.uart, self.uart)
        self.nudges = 0
        self.link.on_nudge = self._count

    def _count(self):
        self.nudges += 1

    def pass_ms(self, milliseconds):
        self.ticks.now += milliseconds
        self.uart.take_in()

    def run(self, milliseconds, step_ms=2):
        """The Transfer, as soon as there is one."""
        for _ in range(0, milliseconds, step_ms):
            self.link.tick()
            transfer = self.link.take()
            if transfer:
                return transfer
            self.pass_ms(step_ms)
            self.port.turn()
        return None

    def send(self, frame=b"eyJ.the.frame"):
        """A frame, wholly at the agent."""
        self.link.send(memoryview(frame))
        before = len(self.port.frames)
        for _ in range(1000):
            assert self.run(2) is None
            if len(self.port.frames) > before:
                return
        raise AssertionError("the frame did not come")

    def exchange(self, reply=REPLY):
        self.send()
        self.port.reply(reply)
        return self.run(9000)


def test_the_longest_frame_goes_up_without_ever_waiting_for_the_uart():
    rig = Rig()
    began = rig.ticks.now
    rig.send(FRAME)
    assert rig.port.frames == [FRAME]
    assert rig.uart.waited == 0
    assert rig.ticks.now - began < 500


def test_one_piece_a_turn_however_late_the_turn_is():
    rig = Rig()
    rig.link.send(memoryview(FRAME))
    for turn in range(1, 38):
        rig.link.tick()
        rig.link.tick()
        rig.pass_ms(100)
        assert len(rig.uart.receive()) == 1, turn


def test_the_longest_reply_comes_in_pieces_that_were_asked_for():
    rig = Rig()
    transfer = rig.exchange()
    assert (transfer.status, transfer.body, transfer.error) == (200, REPLY, None)
    assert rig.port.asked == ["~?%d" % n for n in range(16, -1, -1)]
    assert rig.uart.dropped == 0 and rig.uart.waited == 0
    assert rig.link.take() is None


def test_a_small_reply_takes_no_questions():
    rig = Rig()
    assert rig.exchange(b"eyJ.small").body == b"eyJ.small"
    assert rig.port.asked == []


def test_pieces_may_be_shorter_and_lines_may_end_as_on_windows():
    rig = Rig(pieces_of=30)
    assert rig.exchange(REPLY[:500]).body == REPLY[:500]
    rig.send()
    rig.uart.send(b"~0:eyJ.whole\r\n")
    assert rig.run(100).body == b"eyJ.whole"


def test_lost_pieces_are_asked_for_again():
    rig = Rig()
    rig.port.lost = [17, 17, 9, 0]
    began = rig.ticks.now
    assert rig.exchange().body == REPLY
    assert rig.port.asked.count("~?") == 2
    assert rig.port.asked.count("~?9") == 2 and rig.port.asked.count("~?0") == 2
    assert 3000 < rig.ticks.now - began < 3500


def test_what_the_ring_drops_is_asked_for_again():
    rig = Rig()
    rig.send()
    rig.uart.send(b"\xff" * 600)
    rig.port.reply(REPLY)
    rig.pass_ms(100)  # the board is busy
    assert rig.run(9000).body == REPLY
    assert rig.uart.dropped > 100


def test_without_an_answer_the_deadline_is_eight_seconds():
    rig = Rig()
    began = rig.ticks.now
    rig.link.send(memoryview(FRAME))
    assert rig.link.busy
    transfer = rig.run(20000)
    assert (transfer.status, transfer.error) == (0, "no whole answer within 8000 ms")
    assert 8000 <= rig.ticks.now - began < 8010
    assert not rig.link.busy
    assert rig.port.asked == ["~?"] * 7


def test_a_dripping_agent_cannot_stretch_the_deadline():
    rig = Rig(pieces_of=20)
    began = rig.ticks.now
    rig.send()
    rig.port.lost = list(range(103))
    rig.port.reply(REPLY)
    assert rig.run(20000).error == "no whole answer within 8000 ms"
    assert rig.ticks.now - began < 8010


def test_a_stranger_is_refused_once_its_frame_is_out():
    rig = Rig()
    rig.port.say(b"~!")
    rig.run(50)
    rig.link.send(memoryview(FRAME))
    rig.run(100)
    rig.port.say(b"~!")  # for what came before
    assert rig.run(500) is None
    rig.port.say(b"~!")
    transfer = rig.run(50)
    assert (transfer.status, transfer.error) == (401, None)
    assert rig.run(50) is None


def test_a_nudge_is_passed_on_at_any_time():
    rig = Rig()
    rig.port.say(b"~?")
    rig.run(20)
    assert rig.nudges == 1
    rig.link.send(memoryview(FRAME))
    rig.uart.send(b"~?\r\n")
    rig.run(20)
    assert rig.nudges == 2
    rig.run(500)
    rig.port.say(b"~?")
    assert rig.run(20) is None
    assert rig.nudges == 3


def test_an_agent_that_asks_for_a_frame_and_answers_none_never_got_it():
    rig = Rig()
    rig.uart.plug(False)
    rig.link.send(memoryview(FRAME))
    assert rig.run(3000) is None
    rig.uart.plug(True)
    rig.port.say(b"~?")
    assert rig.run(990) is None
    assert "only now" in rig.run(20).error


def test_a_nudge_amid_an_exchange_does_not_end_it():
    for before_the_reply in (True, False):
        rig = Rig()
        rig.send(FRAME)
        if before_the_reply:
            rig.port.say(b"~?")
            assert rig.run(900) is None
        rig.port.reply(REPLY)
        if not before_the_reply:
            rig.run(50)
            rig.port.say(b"~?")
        assert rig.run(9000).body == REPLY
        assert rig.nudges == 1


NOISE = (
    b"",
    b"~",
    b"~:",
    b"~?x",
    b"~??",
    b"~!!",
    b"~5",
    b"~5:",
    b"~-1:eyJ",
    b"~x:eyJ",
    b"~ 1:eyJ",
    b"~99999:eyJ",
    b"~99999999999999999999999999:eyJ",
    b"~16",
    b"~3:not the next",
    b"~99:not the next",
    b"hello ~0:eyJ.of.no.use",
    b"~0:eyJ" + b"x" * 125,  # too long a line
    b"x" * 1000,
    b"\x00\xff\x80",
    b"~1:\xff\xff",
)


def test_noise_between_the_pieces_changes_nothing():
    for noise in NOISE:
        rig = Rig()
        rig.port.say(noise)
        rig.send()
        rig.port.say(noise)
        assert rig.run(200) is None, noise
        rig.port.reply(REPLY)
        for _ in range(10):
            rig.port.say(noise)
            transfer = rig.run(200)
            if transfer:
                break
        transfer = transfer or rig.run(9000)
        assert transfer.body == REPLY, noise


def test_random_bytes_crash_nothing_and_keep_nothing_waiting():
    random.seed(4)
    letters = b"~~~???!!:::0123456789eyJ\n\n\n\r\x00\xff"
    for _ in range(10):
        rig = Rig()
        rig.link.send(memoryview(FRAME))
        transfer = None
        for _ in range(160):
            rig.uart.send(bytes([random.choice(letters) for _ in range(400)]))
            transfer = rig.run(50, step_ms=10)
            if transfer:
                break
        assert transfer and len(transfer.body) <= 2048
        rig.port.say(b"")
        rig.port = Port(rig.uart)
        assert rig.exchange().body == REPLY


def test_pieces_of_an_earlier_reply_are_told_from_this_one():
    rig = Rig()
    rig.link.send(memoryview(FRAME))
    rig.port.say(b"~2:eyJ" + b"z" * 100)  # late: this frame is not even out
    rig.run(500)
    rig.port.say(b"~5:" + b"z" * 100)
    assert rig.run(100) is None
    rig.port.say(b"~8:eyJ" + b"z" * 100)  # late, and takes itself for an answer
    assert rig.run(30) is None
    rig.port.reply(REPLY)
    rig.port.say(b"~7:" + b"z" * 100)
    assert rig.run(9000).body == REPLY


def test_the_first_piece_twice_is_one_first_piece():
    rig = Rig()
    rig.send()
    rig.port.reply(REPLY)
    rig.port.reply(REPLY)
    assert rig.run(9000).body == REPLY


def test_a_reply_without_end_is_given_up_when_it_is_too_long():
    rig = Rig()
    transfer = rig.exchange(REPLY + b"x")
    assert (transfer.status, transfer.error) == (0, "the answer is too long")
    assert not rig.link.busy
    assert rig.exchange().body == REPLY


def test_a_turn_reads_so_much_and_no_more():
    rig = Rig()
    rig.uart.send(b"x" * 250 + b"\n~?\n")
    rig.pass_ms(100)
    rig.link.tick()
    assert rig.nudges == 0
    rig.link.tick()
    assert rig.nudges == 1


def test_rounds_without_lines_for_us_allocate_nothing():
    rig = Rig()
    rounds = [0, 2, 4, 6, 8]

    def quiet():
        with no_allocation():
            for _ in rounds:
                rig.link.tick()
                rig.link.take()

    rig.link.tick()
    quiet()  # idle
    rig.send()
    quiet()  # an answer is awaited
    rig.uart.send(b"noise from somebody else\n" * 10)
    rig.pass_ms(100)
    quiet()
    rig.port.reply(REPLY)
    assert rig.run(9000).body == REPLY
    quiet()
