"""What becomes of stored events."""

import asyncio
import subprocess
import sys

from host_agent.store import BadEvent, Dead, Delivered, Retry, Stats


def test_pending_events_come_in_the_order_of_acceptance(store, board):
    asyncio.run(store.accept(board.report(*range(1, 8))))

    first = store.pending("door", 0, 3)
    rest = store.pending("door", first[-1].id, 100)

    assert [event.seq for event in first + rest] == [1, 2, 3, 4, 5, 6, 7]


def test_a_settled_event_waits_no_more(store, board):
    asyncio.run(store.accept(board.report(1, 2, 3)))
    one, two, three = store.pending("door", 0, 10)

    asyncio.run(store.settle([Delivered(one.id, at_ms=5), Dead(two.id, "HTTP 400")]))

    assert store.pending("door", 0, 10) == [three]
    states = {event.seq: event.state for event in store.events()}
    assert states == {1: "delivered", 2: "dead", 3: "pending"}


def test_the_schedule_of_retries_is_kept(store, board):
    asyncio.run(store.accept(board.report(1)))
    (event,) = store.pending("door", 0, 10)

    asyncio.run(store.settle([Retry(event.id, 3, 1000, 9000, "HTTP 503")]))

    (again,) = store.pending("door", 0, 10)
    assert (again.attempts, again.first_attempt_ms, again.next_ms) == (3, 1000, 9000)
    assert store.events()[0].reason == "HTTP 503"


def test_outcomes_in_one_commit_count_as_in_several(store, board):
    asyncio.run(store.accept(board.report(1, 2)))
    one, two = store.pending("door", 0, 10)
    retries = [Retry(event.id, n, 7, 9, "HTTP 503") for event in (one, two) for n in (1, 2)]

    asyncio.run(store.settle([*retries, Delivered(one.id, 3), Dead(two.id, "HTTP 400")]))

    dead, delivered = store.events()
    assert (dead.state, dead.attempts, dead.first_attempt_ms) == ("dead", 2, 7)
    assert (delivered.state, delivered.attempts, delivered.first_attempt_ms) == ("delivered", 2, 7)


def test_an_event_that_is_settled_stays_so(store, board):
    asyncio.run(store.accept(board.report(1)))
    (event,) = store.pending("door", 0, 10)
    asyncio.run(store.settle([Delivered(event.id, 3)]))

    asyncio.run(store.settle([Dead(event.id, "late"), Retry(event.id, 1, 1, 2, "late")]))

    assert store.events()[0].state == "delivered"


def test_events_are_listed_newest_first_and_filtered(store, board, board_of):
    gate = board_of(store.add_device("gate", "lock"))
    asyncio.run(store.accept(board.report(1, 2)))
    asyncio.run(store.accept(gate.report(1)))
    asyncio.run(store.settle([Dead(store.pending("door", 0, 1)[0].id, "no")]))

    assert [(e.device, e.seq) for e in store.events()] == [("gate", 1), ("door", 2), ("door", 1)]
    assert [(e.device, e.seq) for e in store.events(limit=1)] == [("gate", 1)]
    assert [e.seq for e in store.events(device="door", state="pending")] == [2]


def test_dead_letters_can_be_tried_again_as_if_new(store, board):
    asyncio.run(store.accept(board.report(1, 2)))
    one, two = store.pending("door", 0, 10)
    asyncio.run(store.settle([Retry(one.id, 5, 1, 2, "x"), Dead(two.id, "y")]))
    asyncio.run(store.settle([Dead(one.id, "given up")]))

    assert store.retry_dead([one.id]) == 1
    assert store.pending("door", 0, 10) == [one]
    assert store.retry_dead(device="gate") == 0
    assert store.retry_dead() == 1
    assert store.pending("door", 0, 10) == [one, two]


def test_an_unreadable_event_cannot_be_tried_again(store, board):
    asyncio.run(store.accept(board.report(bad=(BadEvent(1, 1, "?", "not JSON"),))))

    assert store.retry_dead() == 0


def test_dead_letters_retried_by_another_process_are_announced(store, path, board, eventually):
    asyncio.run(store.accept(board.report(1)))
    asyncio.run(store.settle([Dead(store.pending("door", 0, 1)[0].id, "no")]))
    announced = []
    store.on_retried.append(lambda: announced.append(store.devices_with_pending()))

    command = "import sys; from pathlib import Path; from host_agent.store import Store\n"
    command += "with Store.open(Path(sys.argv[1])) as store: assert store.retry_dead() == 1"
    subprocess.run([sys.executable, "-c", command, str(path)], check=True, timeout=60)

    eventually(lambda: ["door"] in announced)


def test_old_events_are_purged_and_their_ids_never_come_back(store, board):
    asyncio.run(store.accept(board.report(1, 2, 3)))
    delivered, dead, waiting = store.pending("door", 0, 10)
    asyncio.run(store.settle([Delivered(delivered.id, at_ms=0), Dead(dead.id, "no")]))
    died_ms = store.events(state="dead")[0].settled_ms

    assert asyncio.run(store.purge("delivered", before_ms=0)) == 0
    assert asyncio.run(store.purge("delivered", before_ms=1)) == 1
    assert asyncio.run(store.purge("dead", before_ms=died_ms)) == 0
    assert asyncio.run(store.purge("dead", before_ms=died_ms + 1)) == 1
    assert [event.id for event in store.events()] == [waiting.id]

    asyncio.run(store.settle([Delivered(waiting.id, at_ms=0)]))
    asyncio.run(store.purge("delivered", before_ms=1))
    asyncio.run(store.accept(board.report(4)))
    assert store.pending("door", 0, 10)[0].id > waiting.id


def test_a_large_purge_goes_in_steps(store, board):
    for start in range(1, 2500, 250):
        asyncio.run(store.accept(board.report(*range(start, start + 250))))
    ids = [event.id for event in store.pending("door", 0, 10_000)]
    asyncio.run(store.settle([Delivered(row_id, 0) for row_id in ids]))

    assert asyncio.run(store.purge("delivered", before_ms=1)) == 2500


def test_figures_follow_every_change(store, board):
    assert store.stats() == Stats(0, 0, 0, 0, None)
    asyncio.run(store.accept(board.report(1, 2, 3)))
    one, two, _ = store.pending("door", 0, 10)
    size = store.stats().bytes // 3

    asyncio.run(store.settle([Delivered(one.id, 5), Dead(two.id, "no")]))

    assert store.stats() == Stats(
        pending=1, dead=1, delivered=1, bytes=2 * size, oldest_pending_ms=1_700_000_100_001
    )
    store.retry_dead()
    assert store.stats().pending == 2
    asyncio.run(store.purge("delivered", before_ms=6))
    assert store.stats().delivered == 0


def test_reports_get_their_turn_while_many_dead_letters_are_retried(store, board):
    asyncio.run(store.accept(board.report(*range(1, 2501))))
    letters = [Dead(event.id, "HTTP 400") for event in store.pending("door", 0, 2500)]
    asyncio.run(store.settle(letters))
    left = []
    store.on_retried.append(lambda: left.append(store.stats().dead))

    assert store.retry_dead() == 2500
    assert left == [1500, 500, 0], "a commit each"
