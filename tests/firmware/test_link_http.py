"""Real sockets: the other end is a thread of this interpreter, as bad as its test wants it."""

from time import sleep_ms, ticks_diff, ticks_ms

from server import serving
from warden.link_http import HttpLink

REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/jose\r\nContent-Length: 9\r\n\r\na.b.c.d.e"


def exchange(behaviour, deadline_ms=30000):
    """Send a frame to a server that behaves so: (Transfer, requests it saw, rounds of our loop)."""
    seen = []

    def talk(connection):
        seen.append(connection.receive_until(b"the.frame"))
        behaviour(connection)

    link = HttpLink(serving(talk), deadline_ms)
    link.send(b"the.frame")
    rounds = 0
    began = ticks_ms()
    transfer = None
    while transfer is None:
        assert ticks_diff(ticks_ms(), began) < deadline_ms + 15000, "the deadline was not kept"
        sleep_ms(10)
        rounds += 1
        transfer = link.take()
    return transfer, seen, rounds


def test_a_frame_is_posted_and_the_reply_comes_back():
    def answer(connection):
        connection.send(REPLY)
        connection.close()

    transfer, seen, _ = exchange(answer)
    assert (transfer.status, transfer.body, transfer.error) == (200, b"a.b.c.d.e", None)
    assert seen[0].startswith(b"POST /v1/frames HTTP/1.0\r\n")
    assert b"Content-Type: application/jose\r\n" in seen[0]
    assert b"Content-Length: 9\r\n" in seen[0]


def test_an_answer_is_whole_when_its_length_has_arrived():
    def answer(connection):
        connection.send(REPLY)
        sleep_ms(60000)

    assert exchange(answer)[0].body == b"a.b.c.d.e"


def test_the_agents_wish_to_wait_is_passed_on():
    def answer(connection):
        connection.send(b"HTTP/1.1 503 Busy\r\nretry-after: 7\r\nContent-Length: 0\r\n\r\n")
        connection.close()

    transfer, _, _ = exchange(answer)
    assert (transfer.status, transfer.retry_s) == (503, 7)


def test_a_hanging_agent_is_given_up_while_the_loop_goes_on():
    transfer, _, rounds = exchange(lambda connection: sleep_ms(20000), 1000)
    assert transfer.status == 0 and "within 1000 ms" in transfer.error
    assert rounds > 5, "it stood still"


def test_a_dripping_agent_cannot_stretch_the_deadline():
    def drip(connection):
        for byte in REPLY * 10:
            connection.send(bytes([byte]))
            sleep_ms(100)

    transfer, _, rounds = exchange(drip, 1000)
    assert transfer.status == 0 and "within 1000 ms" in transfer.error
    assert rounds > 5, "it stood still"


def test_an_endless_header_or_body_is_cut_off():
    def header(connection):
        connection.send(b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            connection.send(b"y" * 1000)

    def body(connection):
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.send(b"y" * 1000)

    assert "too long" in exchange(header)[0].error
    assert len(exchange(body)[0].body) == 2049


def test_a_redirect_is_refused_and_the_frame_goes_nowhere_else():
    def answer(connection):
        connection.send(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\n\r\n")
        connection.close()

    transfer, seen, _ = exchange(answer)
    assert "redirect" in transfer.error and len(seen) == 1


def test_garbage_and_silence_are_failures_not_crashes():
    for answer in (b"", b"\x00\xff\x00\r\n\r\n", b"HTTP/1.1\r\n\r\n", b"HTTP/1.1 abc def\r\n\r\n"):

        def reply(connection):
            connection.send(answer)
            connection.close()

        assert exchange(reply)[0].status == 0


def test_nobody_there_is_a_failure_at_once():
    link = HttpLink("http://127.0.0.1:1")
    link.send(b"the.frame")
    transfer = None
    for _ in range(4000):
        transfer = link.take()
        if transfer:
            break
        sleep_ms(10)
    assert transfer.status == 0 and "111" in transfer.error
