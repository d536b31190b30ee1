from support import Talk


def test_the_first_frame_goes_out_at_once_with_boot_frame_and_health():
    talk = Talk()
    assert talk.sent() == 1
    assert talk.agent.report() == {"boot": 1, "frame": 1, "health": {"queue": 0}, "events": []}


def test_events_wait_until_a_first_frame_was_accepted():
    talk = Talk()
    talk.board.press()
    talk.sent()
    assert talk.agent.report()["events"] == []
    talk.agent.answer(ack=[0, 0])
    talk.sent(10)
    assert [event["id"] for event in talk.agent.report()["events"]] == [[1, 1]]


def test_one_frame_is_in_flight_and_a_retry_is_a_new_frame():
    talk = Talk()
    talk.greet()
    talk.board.press()
    assert talk.sent(20000) == 1
    talk.agent.fail(error="OSError(111,)")
    assert talk.sent(1000) == 1
    report = talk.agent.report()
    assert (report["boot"], report["frame"]) == (1, 3)
    assert report["events"][0]["id"] == [1, 1]


def test_a_line_that_lets_only_short_frames_through_carries_all_events():
    talk = Talk()
    talk.greet()
    for _ in range(60):
        talk.board.press()
    lost = 0
    acked = [0, 0]
    while len(talk.board.queue):
        assert talk.sent(16000) == 1
        events = talk.agent.report()["events"]
        del talk.agent.frames[:-1]
        if len(talk.agent.frames[0]) > 1500:
            lost += 1
            assert lost < 60, "and never tries a short one"
            talk.agent.fail(error="no whole answer within 8000 ms")
        else:
            acked = events[-1]["id"] if events else acked
            talk.agent.answer(ack=acked)
            talk.session.tick()


def test_events_are_forgotten_on_ack_only():
    talk = Talk()
    talk.greet()
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
    reports = [talk.agent.report(number) for number in range(len(talk.agent.frames))]
    assert len([1 for report in reports if "health" in report]) == 3


def test_a_stale_board_goes_on_above_the_agents_boot_with_new_ids():
    talk = Talk()
    talk.board.press()
    talk.sent()
    talk.agent.answer(error="stale", boot=7)
    talk.sent(20)
    assert (talk.agent.report()["boot"], talk.agent.report()["frame"]) == (8, 1)
    talk.agent.answer(ack=[7, 5000])
    talk.sent(20)
    report = talk.agent.report()
    assert [event["id"][0] for event in report["events"]] == [8]
    talk.agent.answer(ack=report["events"][0]["id"])
    talk.sent()
    assert len(talk.board.queue) == 0


def test_a_board_that_lost_its_counters_keeps_events_whose_numbers_were_used_before():
    talk = Talk()
    for _ in range(3):
        talk.board.press()
    talk.sent()
    talk.agent.answer(ack=[1, 50])  # of the life before
    talk.sent(20)
    assert talk.agent.report()["boot"] == 2
    talk.agent.answer(ack=[1, 50])
    talk.sent(20)
    assert [event["id"] for event in talk.agent.report()["events"]] == [[2, 1], [2, 2], [2, 3]]


def test_acks_of_earlier_boots_are_no_reason_to_go_on_elsewhere():
    talk = Talk()
    talk.board.reset()
    talk.board.reset()
    talk = Talk(talk.board)
    talk.sent()
    talk.agent.answer(ack=[1, 50])
    talk.board.press()
    talk.sent(20)
    assert talk.agent.report()["boot"] == 3


def test_a_frame_that_cannot_be_made_is_tried_again_later_not_at_once():
    talk = Talk()
    talk.greet()
    real = talk.session._codec.seal
    tries = []

    def no_memory(length):
        tries.append(length)
        raise MemoryError

    talk.session._codec.seal = no_memory
    talk.board.press()
    for _ in range(400):
        try:
            talk.session.tick()
        except MemoryError:
            pass
        talk.board.pass_ms(10)
    assert 2 <= len(tries) <= 6
    talk.session._codec.seal = real
    assert talk.sent(4000) == 1


def test_a_reply_to_another_frame_is_no_reply():
    talk = Talk()
    talk.greet()
    talk.board.press()
    talk.sent()
    talk.agent.answer(re="AAAAAAAAAAAAAAAAAAAAAA", ack=[1, 1])
    talk.sent()
    assert len(talk.board.queue) == 1


def test_plain_answers_cost_nothing_and_never_silence_the_board():
    talk = Talk()
    talk.greet()
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
    talk.greet()
    talk.board.press()
    talk.sent()
    talk.agent.answer(error="full", retry_ms=20000)
    assert talk.sent(19000) == 0
    assert talk.sent(2000) == 1
    assert len(talk.board.queue) == 1


def test_failures_slow_down_and_success_resets_the_pace():
    talk = Talk()
    talk.greet()
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
    talk.greet()
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
    talk.greet()
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


def test_a_reply_that_finds_no_memory_is_no_reason_to_hammer_the_agent():
    talk = Talk()
    talk.greet()
    talk.board.press()
    assert talk.sent() == 1
    talk.agent.answer(ack=[0, 0], padding="x" * 1300)
    hog = []
    try:
        while True:
            hog.append(bytearray(700))
    except MemoryError:
        pass
    for n in range(0, len(hog), 2):
        hog[n] = None  # there is room left, but not in one piece
    talk.session.tick()
    hog = None
    assert talk.sent(240) == 0 and talk.sent(300) == 1
    assert len(talk.board.queue) == 1


def test_a_nudge_ends_the_wait_for_the_next_poll():
    talk = Talk()
    talk.greet()
    talk.session.nudge()
    talk.session.nudge()
    assert talk.sent(10) == 1
    talk.agent.answer(ack=[0, 0])
    assert talk.sent(4000) == 0


def test_a_nudge_ends_a_back_off_whatever_its_reason():
    talk = Talk()
    talk.greet()
    talk.board.press()
    talk.sent()
    for fail in (
        lambda: talk.agent.fail(error="OSError(111,)"),
        lambda: talk.agent.fail(503, b"busy", 60),
        lambda: talk.agent.answer(error="full", retry_ms=60000),
    ):
        fail()
        assert talk.sent(200) == 0
        talk.session.nudge()
        assert talk.sent(10) == 1


def test_a_nudge_while_a_frame_is_in_flight_is_kept_for_the_next():
    talk = Talk()
    talk.sent()
    talk.session.nudge()
    assert talk.sent(5000) == 0
    talk.agent.fail(error="OSError(110,)")
    assert talk.sent(20) == 1
    talk.agent.answer(ack=[0, 0])
    assert talk.sent(4000) == 0, "one nudge, one frame"


def test_a_nudge_waits_for_the_network():
    talk = Talk()
    talk.greet()
    talk.session.nudge()
    before = len(talk.agent.frames)
    for _ in range(100):
        talk.session.tick(False)
        talk.board.pass_ms(10)
    assert len(talk.agent.frames) == before
    assert talk.sent(10) == 1


def test_a_clock_that_agrees_with_a_reply_is_left_alone():
    talk = Talk()
    talk.greet()
    clock = talk.board.clock
    clock.set(1700000000000, clock.uptime())
    for error_ms, corrected in ((400, False), (600, True), (-100, True)):
        right = clock.unix_ms(clock.uptime())
        talk.session.nudge()
        talk.session.tick()
        talk.board.pass_ms(500)  # the trip
        talk.agent.answer(ack=[0, 0], now=right + 500 - error_ms)
        talk.session.tick()
        moved = clock.unix_ms(clock.uptime()) - right - 500
        assert moved == (250 - error_ms if corrected else 0), error_ms
