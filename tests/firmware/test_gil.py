"""The simulated board's threads take turns, as those of an ESP32 do."""

import _thread
import select
import socket
from time import sleep_ms, ticks_diff, ticks_ms

from gil import give, start_new_thread, take
from server import listening

counts = [0, 0]


def count(n):
    while True:
        counts[n] += 1
        sleep_ms(1)


def until(condition):
    began = ticks_ms()
    while not condition():
        assert ticks_diff(ticks_ms(), began) < 40000, "the others do not run"
        sleep_ms(1)


def test_a_thread_runs_while_the_others_sleep_and_at_no_other_time():
    for n in (0, 1):
        start_new_thread(count, (n,))
    for _ in range(5):
        before = counts[:]
        until(lambda: counts[0] > before[0] + 3 and counts[1] > before[1] + 3)
        before = counts[:]
        began = ticks_ms()
        while ticks_diff(ticks_ms(), began) < 50:
            pass
        assert counts == before


def test_a_thread_that_waits_in_c_holds_the_others_up_once():
    listener, _ = listening()
    start_new_thread(count, (0,))
    start_new_thread(listener.accept, ())
    until(lambda: counts[0] > 3)
    began = ticks_ms()
    before = counts[0]
    until(lambda: counts[0] > before + 20)
    assert ticks_diff(ticks_ms(), began) < 10000, "each turn waited for it"


def test_a_thread_that_ends_or_fails_gives_its_turn_away():
    def fail():
        raise ValueError("told on the console")

    start_new_thread(count, (0,))
    for _ in range(20):
        start_new_thread(fail, ())
    until(lambda: counts[0] > 20)


def test_the_firmware_starts_its_threads_this_way():
    assert _thread.start_new_thread is start_new_thread
    import warden.worker

    assert warden.worker._thread is _thread


def test_who_has_a_turn_does_not_wait_for_itself():
    start_new_thread(count, (0,))
    sleep_ms(5)
    assert take() is False
    give()
    assert take() is True


def test_a_poll_waits_for_what_it_is_told():
    listener, address = listening()
    poller = select.poll()
    poller.register(listener, select.POLLIN)
    for wait in (poller.poll, poller.ipoll):
        began = ticks_ms()
        assert list(wait(30)) == [] and ticks_diff(ticks_ms(), began) >= 30
        assert list(wait(0)) == []
    client = socket.socket()
    client.connect(socket.getaddrinfo("127.0.0.1", int(address.split(":")[-1]))[0][-1])
    assert poller.poll(None) == [(listener, select.POLLIN)]
