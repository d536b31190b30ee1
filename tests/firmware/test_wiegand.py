import machine
import micropython
from support import Ticks, raises
from warden import ring
from warden.config import ConfigError
from warden.wiegand import Wiegand

D0, D1 = 32, 33


def frame(facility, card, wide=8):
    """The bits of a badge, as a reader of 26 (`wide` 8) or 34 bits (16) sends them."""
    data = []
    for value, width in ((facility, wide), (card, 16)):
        data += [value >> shift & 1 for shift in range(width - 1, -1, -1)]
    half = len(data) // 2
    return [sum(data[:half]) % 2] + data + [1 - sum(data[half:]) % 2]


class Bench:
    """A reader on the simulated board's pins, whose interrupts come when the test says so."""

    def __init__(self, d0=D0, d1=D1):
        self.ticks = Ticks(now=(1 << 30) - 200, period=1 << 30)
        ring.ticks_ms = self.ticks
        self.pins = d0, d1
        self.reader = Wiegand({"d0": d0, "d1": d1}, self.ticks.clock())

    def send(self, bits):
        for bit in bits:
            pin = self.pins[bit]
            machine._handlers[pin](machine._objects[pin])
            self.ticks.now += 2

    def read(self, milliseconds=60):
        """All entries of so many milliseconds."""
        found = []
        for _ in range(0, milliseconds, 10):
            self.ticks.now += 10
            entry = self.reader.tick()
            if entry:
                found.append(entry)
        return found


def test_a_badge_of_26_bits():
    bench = Bench()
    for facility, card in ((12, 34567), (0, 0), (255, 65535), (1, 2)):
        bench.send(frame(facility, card))
        assert bench.read() == [("badge", "%d:%d" % (facility, card))]
    assert bench.reader.missed == 0


def test_a_badge_of_34_bits():
    bench = Bench()
    for facility, card in ((12, 34567), (0, 0), (65535, 65535), (256, 1)):
        bench.send(frame(facility, card, wide=16))
        assert bench.read() == [("badge", "%d:%d" % (facility, card))]
    assert bench.reader.missed == 0


def test_wires_on_pins_that_have_no_pull():
    bench = Bench(34, 39)
    bench.send(frame(12, 34567))
    assert bench.read() == [("badge", "12:34567")]


def test_a_frame_written_out():
    bench = Bench()
    # Even parity, facility 123, card 4567, odd parity.
    for bit in "10111101100010001110101110":
        bench.send([int(bit)])
    assert bench.read() == [("badge", "123:4567")]


def test_a_frame_is_finished_50_ms_after_its_last_bit():
    bench = Bench()
    bench.send(frame(12, 34567))
    bench.ticks.now -= 2  # since the last bit
    assert bench.read(40) == []
    assert bench.read(10) == [("badge", "12:34567")]


def test_every_single_wrong_bit_is_refused():
    for wide in (8, 16):
        bench = Bench()
        good = frame(12, 34567, wide)
        for n in range(len(good)):
            bench.send(good[:n] + [1 - good[n]] + good[n + 1 :])
            assert bench.read() == []
        assert bench.reader.missed == len(good)


def test_other_lengths_are_refused():
    bench = Bench()
    for count in list(range(1, 26)) + list(range(27, 34)) + [35, 36, 64, 100, 127]:
        bench.send([1, 0] * (count // 2) + [1] * (count % 2))
        assert bench.read() == []
    assert bench.reader.missed == 25 + 7 + 5


def test_badges_that_came_while_the_loop_was_away_are_told_one_by_one():
    bench = Bench()
    for card in (1, 2, 3):
        bench.send(frame(12, card))
        bench.ticks.now += 50
    assert [text for _, text in bench.read()] == ["12:1", "12:2", "12:3"]


def test_bits_without_room_spoil_the_frame_and_nothing_after():
    bench = Bench()
    for card in range(6):
        bench.send(frame(12, card))
        bench.ticks.now += 50
    assert len(bench.read(200)) == 4 - 1, "the fifth is cut, the last of the others in doubt"
    assert bench.reader.missed > 0
    bench.send(frame(12, 7))
    assert bench.read() == [("badge", "12:7")]


def test_noise_that_never_ends_does_not_hold_the_loop():
    bench = Bench()
    sent = [0]

    def storm(_):  # as handlers come on a board: through the scheduler, anywhere in the loop
        if sent[0] < 5000:
            sent[0] += 1
            machine._handlers[D0](None)
            micropython.schedule(storm, 0)

    storm(0)
    bench.reader.tick()
    assert sent[0] < 5000, "this round took them all"


def test_interrupts_and_quiet_rounds_allocate_nothing():
    bench = Bench()
    zero, one = machine._handlers[D0], machine._handlers[D1]
    pin = machine._objects[D0]
    ring.ticks_ms = bench.ticks.clock().ticks
    micropython.heap_lock()
    try:
        for _ in range(100):
            zero(pin)
            one(pin)
    finally:
        micropython.heap_unlock()
    bench.read(100)
    micropython.heap_lock()
    try:
        for _ in range(100):
            bench.reader.tick()
    finally:
        micropython.heap_unlock()


def test_a_pin_that_cannot_be_had_is_a_configuration_error():
    with raises(ConfigError, "access.wiegand.d1: pin 24"):
        Wiegand({"d0": D0, "d1": 24}, Ticks().clock())
