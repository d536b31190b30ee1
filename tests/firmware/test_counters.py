from support import Nvs, raises
from warden.counters import Counters, CountersError


def started(nvs, floor=0, stored_seq=0):
    counters = Counters(nvs)
    counters.load()
    counters.start(floor, stored_seq)
    return counters


def test_every_start_is_one_boot_later():
    nvs = Nvs()
    assert [started(nvs).boot for _ in range(3)] == [1, 2, 3]


def test_a_provisioned_floor_is_never_undercut():
    nvs = Nvs()
    assert started(nvs, floor=40).boot == 41
    assert started(nvs, floor=40).boot == 42


def test_a_board_that_cannot_keep_its_boot_counter_does_not_start():
    nvs = Nvs()
    counters = Counters(nvs)
    counters.load()
    nvs.broken = True
    with raises(CountersError, "NVS"):
        counters.start(0, 0)
    assert counters.boot == 0
    nvs.broken = False
    counters.load()
    counters.start(0, 0)
    assert counters.boot == 1


def test_event_numbers_go_on_over_resets_and_never_repeat():
    nvs = Nvs()
    given = []
    for _ in range(4):
        counters = started(nvs)
        given += [counters.next_seq(0) for _ in range(20)]
    assert given == sorted(set(given))


def test_numbers_lost_in_a_reset_are_counted_once():
    nvs = Nvs()
    counters = started(nvs)
    for _ in range(3):
        counters.next_seq(0)
    gaps = started(nvs).gaps
    assert 3 <= gaps <= 16
    assert started(nvs).gaps == gaps


def test_a_reset_after_everything_settled_is_no_gap():
    nvs = Nvs()
    counters = started(nvs)
    for _ in range(20):
        counters.next_seq(0)
    counters.settle()
    assert started(nvs).gaps == 0


def test_events_found_on_flash_are_no_gap():
    nvs = Nvs()
    counters = started(nvs)
    last = [counters.next_seq(0) for _ in range(16)][-1]
    assert started(nvs, stored_seq=last).gaps == 0


def test_numbers_on_flash_are_not_given_again_after_nvs_was_erased():
    assert started(Nvs(), stored_seq=500).next_seq(0) > 500


def test_going_on_above_the_agents_boot_moves_older_events_there():
    counters = started(Nvs())
    counters.go_on_above(7)
    assert counters.boot == 8
    assert counters.event_id(1, 5) == (8, 5)
    assert counters.event_id(9, 5) == (9, 5)


def test_the_move_is_durable_before_it_is_used():
    nvs = Nvs()
    counters = started(nvs)
    nvs.broken = True
    with raises(CountersError):
        counters.go_on_above(7)
    assert counters.boot == 1
    nvs.broken = False
    counters.go_on_above(7)
    again = started(nvs)
    assert again.boot == 9 and again.event_id(1, 5) == (8, 5)


def test_an_idle_board_does_not_wear_out_nvs():
    nvs = Nvs()
    counters = started(nvs)
    commits = nvs.commits
    for _ in range(1000):
        counters.settle()
    assert nvs.commits == commits
