from host_agent.link.clones import OVERTAKEN, WARN_EVERY_S, WITHIN_S, CloneWatch


class Boards:
    """Two boards on one key: each time, one finds itself stale and goes on above the other."""

    def __init__(self) -> None:
        self.now = 0.0
        self.boot = 1
        self.watch = CloneWatch(lambda: self.now)

    def overtake(self) -> bool:
        self.watch.stale("door", self.boot)
        self.boot += 1
        return self.watch.accepted("door", self.boot)


def test_boards_that_keep_overtaking_each_other_are_clones() -> None:
    boards = Boards()
    assert [boards.overtake() for _ in range(OVERTAKEN)] == [False] * (OVERTAKEN - 1) + [True]


def test_the_warning_comes_once_an_hour() -> None:
    boards = Boards()
    assert sum(boards.overtake() for _ in range(50)) == 1
    boards.now = WARN_EVERY_S
    assert sum(boards.overtake() for _ in range(50)) == 1


def test_a_board_that_now_and_then_lost_its_counter_is_no_clone() -> None:
    boards = Boards()
    for _ in range(20):
        assert not boards.overtake()
        boards.now += WITHIN_S


def test_a_replayed_frame_makes_no_clone() -> None:
    boards = Boards()
    for _ in range(20):
        boards.watch.stale("door", boards.boot)
        assert not boards.watch.accepted("door", boards.boot)


def test_devices_are_watched_apart() -> None:
    watch = CloneWatch(lambda: 0)
    for number in range(20):
        watch.stale(f"door-{number}", 1)
        assert not watch.accepted(f"door-{number}", 2)
