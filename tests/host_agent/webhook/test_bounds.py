"""What a request to the webhook may cost."""

import socket
from contextlib import ExitStack

from host_agent.guardiankey.notification import MAX_BODY_BYTES
from tests.host_agent.guardiankey_sender import PATH

HEAD = f"POST {PATH} HTTP/1.1\r\nHost: agent\r\n".encode()


def connect(webhook) -> socket.socket:
    host, port = webhook.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=60)


def talk(webhook, data: bytes) -> bytes:
    """Sends raw bytes; all that comes back until the webhook hangs up."""
    with connect(webhook) as connection:
        connection.sendall(data)
        return b"".join(iter(lambda: connection.recv(4096), b""))


def test_the_largest_body_is_read(webhook) -> None:
    assert webhook.post(b" " * (MAX_BODY_BYTES - 4) + b"null").text == "not a notification\n"


def test_an_announced_giant_is_413_before_it_is_sent(webhook) -> None:
    answer = talk(webhook, HEAD + b"Content-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1))
    assert b" 413 " in answer.splitlines()[0]
    assert webhook.count("too_large") == 1


def test_a_giant_in_chunks_is_413(webhook) -> None:
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    answer = talk(webhook, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 4 + b"1\r\nx\r\n")
    assert b" 413 " in answer.splitlines()[0]
    assert webhook.count("too_large") == 1


def test_a_dripping_body_is_408(start) -> None:
    webhook = start(body_timeout_s=0.1)
    answer = talk(webhook, HEAD + b"Content-Length: 100\r\n\r\n{")
    assert b" 408 " in answer.splitlines()[0]
    assert webhook.count("malformed") == 1


def test_a_body_that_breaks_off_is_counted_and_keeps_nothing(webhook, store, eventually) -> None:
    with connect(webhook) as connection:
        connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
    eventually(lambda: webhook.count("malformed") == 1, "the webhook notices")
    assert store.notifications() == []


def test_too_many_at_a_time_are_told_to_come_again(start) -> None:
    webhook = start(max_in_flight=0)
    answer = webhook.notify()
    assert (answer.status, answer.headers["retry-after"]) == (503, "30")
    assert webhook.count("busy") == 1


def test_slow_bodies_keep_no_notification_out(start) -> None:
    webhook = start(max_in_flight=2)
    body = webhook.body()
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(webhook)) for _ in range(4)]
        for connection in slow:
            head = HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body)
            connection.sendall(head + body[:-1])
            assert b" 100 " in connection.recv(4096)  # its body is being read
        assert webhook.notify().status == 200
        slow[0].sendall(body[-1:])
        assert b" 200 " in slow[0].recv(4096)
    assert webhook.count("busy") == 0


def test_a_place_is_free_again_whatever_became_of_the_notification(start) -> None:
    webhook = start(max_in_flight=1)
    body = webhook.body()
    for sent in (b"{}", b"x" * (MAX_BODY_BYTES + 1), body, body):
        webhook.post(sent)
    assert webhook.notify().status == 200
    assert webhook.count("busy") == 0
