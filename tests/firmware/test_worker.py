"""Several workers side by side: each has its jobs, its deadline and its failures to itself."""

from errno import ETIMEDOUT
from time import sleep_ms, ticks_add, ticks_diff, ticks_ms

from server import serving
from warden.deadline_sockets import Deadline
from warden.http_post import post
from warden.link_http import HttpLink
from warden.worker import Worker

REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def result_of(worker):
    began = ticks_ms()
    while True:
        result = worker.take()
        if result is not None:
            return result
        assert ticks_diff(ticks_ms(), began) < 40000, "no result"
        sleep_ms(5)


def hang(_):
    sleep_ms(90000)


def answer(connection):
    connection.receive_until(b"the.data")
    connection.send(REPLY)
    connection.close()


def posting(address, milliseconds):
    def work(data):
        deadline = Deadline(ticks_add(ticks_ms(), milliseconds), 4096)
        return post(address, "text/plain", data, 100, deadline)

    return Worker(work)


def test_a_job_is_done_once_and_its_result_given_once():
    done = []
    worker = Worker(lambda job: done.append(job) or job * 2)
    for job in (1, 2, 3):
        worker.give(job)
        assert result_of(worker) == job * 2
        assert worker.take() is None
    sleep_ms(50)
    assert done == [1, 2, 3]


def test_an_exception_is_the_result_and_the_worker_goes_on():
    worker = Worker(lambda job: 10 // job)
    worker.give(0)
    assert isinstance(result_of(worker), ZeroDivisionError)
    worker.give(5)
    assert result_of(worker) == 2


def test_workers_do_not_wait_for_each_other():
    held = [True]

    def wait(_):
        while held[0]:
            sleep_ms(5)
        return "slow"

    slow = Worker(wait)
    fast = Worker(lambda job: "fast")
    slow.give("job")
    for _ in range(10):
        fast.give("job")
        assert result_of(fast) == "fast"
    assert slow.take() is None
    held[0] = False
    assert result_of(slow) == "slow"


def test_each_thread_keeps_its_own_deadline():
    hanging = serving(hang)
    before, short, after = [posting(hanging, limit) for limit in (60000, 600, 60000)]
    began = ticks_ms()
    for worker in (before, short, after):
        worker.give(b"the.data")
    result = result_of(short)
    assert isinstance(result, OSError) and result.args[0] == ETIMEDOUT
    assert ticks_diff(ticks_ms(), began) >= 600
    assert before.take() is None and after.take() is None


def test_a_hanging_worker_leaves_the_link_alone():
    hanging = posting(serving(hang), 60000)
    hanging.give(b"the.data")
    link = HttpLink(serving(answer), 30000)
    for _ in range(20):
        link.send(b"the.data")
        transfer = result_of(link)
        assert (transfer.status, transfer.body) == (200, b"ok")
    assert hanging.take() is None


def test_https_without_a_ca_is_refused():
    import warden.verified_tls  # noqa: F401 - takes the place of tls

    worker = posting(serving(answer).replace("http:", "https:"), 1000)
    worker.give(b"the.data")
    result = result_of(worker)
    assert isinstance(result, ValueError) and "no CA" in str(result)
