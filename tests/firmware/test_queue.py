from support import Board, RamDisk


def test_a_press_gets_its_identity_when_captured_and_keeps_it():
    board = Board()
    assert board.press() == (1, 1)
    assert board.press() == (1, 2)
    assert board.sendable() == [(1, 1), (1, 2)]
    board.pass_ms(3000)
    board.queue.tick()
    board.reset()
    assert board.sendable() == [(1, 1), (1, 2)]


def test_only_an_ack_forgets():
    board = Board()
    for _ in range(4):
        board.press()
    board.queue.ack((1, 2))
    assert board.sendable() == [(1, 3), (1, 4)]
    board.queue.ack((1, 2))
    board.queue.ack((0, 99))
    assert board.sendable() == [(1, 3), (1, 4)]
    board.queue.ack((1, 4))
    assert len(board.queue) == 0


def test_an_acked_press_never_touches_the_flash():
    board = Board()
    board.press()
    board.pass_ms(1900)
    board.queue.tick()
    board.queue.ack((1, 1))
    board.pass_ms(10000)
    board.queue.tick()
    assert not board.spool


def test_what_is_not_acked_in_two_seconds_survives_a_reset():
    board = Board()
    for n in range(5):
        board.press(n=n)
    board.pass_ms(2000)
    board.queue.tick()
    board.press(n=5)
    board.reset()
    assert len(board.queue) == 5
    assert board.sendable() == [(1, seq) for seq in range(1, 6)]
    assert board.counters.gaps >= 1


def test_what_is_kept_at_the_end_is_neither_lost_nor_counted_so():
    board = Board()
    board.press()
    board.queue.ack((1, 1))
    board.press()
    board.queue.keep()
    board.reset()
    assert board.sendable() == [(1, 2)]
    assert board.counters.gaps == 0
    board.queue.keep()
    board.reset()
    assert board.sendable() == [(1, 2)]
    assert board.press() == (3, 3)


def test_order_holds_between_flash_and_memory():
    board = Board()
    board.press()
    board.pass_ms(2000)
    board.queue.tick()
    board.press()
    assert board.sendable() == [(1, 1), (1, 2)]
    board.queue.ack((1, 1))
    assert board.sendable() == [(1, 2)]


def test_a_long_backlog_is_sent_in_frames_oldest_first_each_event_once():
    board = Board()
    for n in range(500):
        board.press(n=n)
    board.pass_ms(2000)
    board.queue.tick()
    sent = []
    while len(board.queue):
        ids = board.sendable()
        assert ids
        sent += ids
        board.queue.ack(ids[-1])
    assert sent == [(1, seq) for seq in range(1, 501)]
    assert not board.spool


def test_acked_events_are_not_sent_again_after_a_reset():
    board = Board()
    for _ in range(100):
        board.press()
    board.pass_ms(2000)
    board.queue.tick()
    board.queue.ack((1, 60))
    board.reset()
    assert board.sendable()[0] == (1, 61)
    assert len(board.queue) == 40


def test_the_oldest_are_kept_and_every_discard_is_counted():
    board = Board(limit=8, spool_bytes=1000)
    results = [board.press(n=n) for n in range(100)]
    kept = [event_id for event_id in results if event_id]
    assert 8 < len(kept) < 100
    assert results[: len(kept)] == kept
    assert board.counters.discards == 100 - len(kept)
    board.pass_ms(20000)
    board.queue.ack(kept[-1])
    board.queue.tick()
    board.reset()
    assert board.counters.discards == 100 - len(kept)


def test_values_that_json_cannot_carry_are_refused_and_counted():
    board = Board()
    for params in (
        {"t": float("nan")},
        {"t": float("inf")},
        {"t": None},
        {"t": [1]},
        {"t": "x" * 2000},
    ):
        assert board.press(**params) is None
    assert board.counters.discards == 5
    assert board.sendable() == []


def test_a_value_that_writes_itself_as_no_json_is_refused():
    class Level(int):
        def __repr__(self):
            return "high"

    board = Board()
    assert board.press(level=Level(5)) is None
    assert board.press(level=5) is not None
    assert board.events()[0]["params"] == {"level": 5} and board.counters.discards == 1


def test_nothing_is_captured_under_a_boot_that_is_not_durable():
    board = Board()
    board.counters.boot = 0
    assert board.press() is None
    assert board.counters.discards == 1


def test_a_press_at_a_known_time_carries_it():
    board = Board()
    board.clock.set(1700000000123, board.clock.uptime())
    board.pass_ms(1000)
    board.press()
    event = board.events()[0]
    assert event == {
        "id": [1, 1],
        "t": 1700000001123,
        "type": "buttonState",
        "params": {"pressed": True},
    }


def test_a_press_before_the_time_is_known_carries_its_age_in_the_same_boot():
    board = Board()
    board.press()
    board.pass_ms(1500)
    event = board.events()[0]
    assert event["age"] == 1500 and "t" not in event


def test_a_press_of_an_earlier_boot_at_an_unknown_time_claims_none():
    board = Board()
    board.press()
    board.pass_ms(2000)
    board.queue.tick()
    board.reset()
    event = board.events()[0]
    assert "age" not in event and "t" not in event


def test_a_press_that_is_spilled_after_the_time_became_known_keeps_it():
    board = Board()
    board.press()
    board.pass_ms(2000)
    board.clock.set(1700000002000, board.clock.uptime())
    board.queue.tick()
    board.reset()
    assert board.events()[0]["t"] == 1700000000000


def test_after_the_agent_knew_a_later_boot_unacked_events_get_new_ids_once():
    board = Board()
    board.press()
    board.press()
    board.pass_ms(2000)
    board.queue.tick()
    board.press()
    board.queue.ack((1, 1))
    board.counters.go_on_above(7)
    assert board.sendable() == [(8, 2), (8, 3)]
    assert "age" in board.events()[0]
    board.press()
    board.pass_ms(2000)
    board.queue.tick()
    board.reset()
    assert board.sendable() == [(8, 2), (8, 3), (8, 4)]
    assert board.press() > (8, 4)


def test_what_is_written_never_exceeds_what_the_frame_can_carry():
    board = Board()
    for n in range(40):
        board.press(text="x" * (n * 7 % 200))
    for capacity in (0, 50, 300, 2900):
        buffer = bytearray(capacity + 10)
        end, last = board.queue.write(buffer, 5, capacity)
        assert 5 <= end <= 5 + capacity
        assert (last is None) == (end == 5)
        assert buffer[end:] == bytes(capacity + 10 - end)


def spoil_the_second_line():
    with open("spool/1.log", "rb") as file:
        data = file.read()
    with open("spool/1.log", "wb") as file:
        file.write(data.replace(b'"n": 1', b'"n": 7'))


def test_a_spooled_event_that_went_bad_is_counted_and_blocks_no_other():
    board = Board()
    for n in range(4):
        board.press(n=n)
    board.pass_ms(2000)
    board.queue.tick()
    spoil_the_second_line()
    board.press(n=4)
    sent = []
    while len(board.queue):
        ids = board.sendable()
        sent += ids
        if ids:
            board.queue.ack(ids[-1])
    assert sent == [(1, 1), (1, 3), (1, 4), (1, 5)]
    assert board.counters.discards == 1


def test_a_damaged_line_found_at_start_is_counted_once():
    board = Board()
    for n in range(3):
        board.press(n=n)
    board.pass_ms(2000)
    board.queue.tick()
    spoil_the_second_line()
    for _ in range(3):
        board.reset()
    assert board.sendable() == [(1, 1), (1, 3)]
    board.queue.ack((1, 3))
    board.pass_ms(6000)
    board.queue.tick()
    board.reset()
    assert board.counters.discards == 1


def test_foreign_files_beside_the_spool_do_not_hide_it():
    board = Board()
    board.press()
    board.pass_ms(2000)
    board.queue.tick()
    for name in (".keep", "notes.txt", "x.log"):
        with open("spool/" + name, "w") as file:
            file.write("not ours\n")
    board.reset()
    assert board.sendable() == [(1, 1)]


def test_a_press_that_finds_no_memory_at_first_is_kept_or_counted():
    board = Board()
    real = board.counters.next_seq
    shortages = [1, 2]

    def short_of_memory(settled):
        if shortages:
            shortages.pop()
            raise MemoryError
        return real(settled)

    board.counters.next_seq = short_of_memory
    assert board.press() is None
    assert board.counters.discards == 1
    assert board.press() == (1, 1)
    shortages.append(1)
    assert board.press() == (1, 2)
    assert board.sendable() == [(1, 1), (1, 2)]


def test_a_full_flash_is_tried_again_every_two_seconds_and_after_an_ack():
    class Disk(RamDisk):
        reads = 0

        def readblocks(self, *arguments):
            self.reads += 1
            super().readblocks(*arguments)

    disk = Disk(40)
    disk.format()
    disk.mount("/flash")
    board = Board(limit=8, directory="/flash/spool")
    while board.press():
        pass
    disk.reads = 0
    for _ in range(10):
        assert board.press() is None
    assert disk.reads == 0
    board.pass_ms(2000)
    board.queue.tick()
    assert disk.reads > 0
    while board.queue._spooled:
        board.queue.ack(board.sendable()[-1])
    assert board.press()


def test_a_full_flash_keeps_the_oldest_and_counts_what_found_no_room():
    disk = RamDisk(40)
    disk.format()
    disk.mount("/flash")
    board = Board(limit=8, directory="/flash/spool")
    results = [board.press(n=n) for n in range(400)]
    kept = [event_id for event_id in results if event_id]
    assert 50 < len(kept) < 400
    assert board.counters.discards == 400 - len(kept)
    sent = []
    while len(board.queue):
        ids = board.sendable()
        sent += ids
        board.queue.ack(ids[-1])
    assert sent == kept
    assert board.press()
