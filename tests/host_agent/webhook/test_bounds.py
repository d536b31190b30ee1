"""What a request to the webhook may cost."""

import socket

import pytest

from host_agent import webhook as module
from host_agent.webhook import MAX_BODY_BYTES
from tests.host_agent.guardiankey_sender import PATH

HEAD = f"POST {PATH} HTTP/1.1\r\nHost: agent\r\n".encode()


@pytest.fixture
def talk(webhook):
    """Sends raw bytes; all that comes back until the webhook hangs up."""

    def talk(data: bytes) -> bytes:
        host, port = webhook.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            connection.sendall(data)
            return b"".join(iter(lambda: connection.recv(4096), b""))

    return talk


def test_the_largest_body_is_read(webhook) -> None:
    assert webhook.post(b" " * (MAX_BODY_BYTES - 4) + b"null").text == "not a notification\n"


def test_an_announced_giant_is_413_before_it_is_sent(webhook, talk) -> None:
    answer = talk(HEAD + b"Content-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1))
    assert b" 413 " in answer.splitlines()[0]
    assert webhook.count("too_large") == 1


def test_a_giant_in_chunks_is_413(webhook, talk) -> None:
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    answer = talk(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 4 + b"1\r\nx\r\n")
    assert b" 413 " in answer.splitlines()[0]
    assert webhook.count("too_large") == 1


def test_a_dripping_body_is_408(webhook, talk, monkeypatch) -> None:
    monkeypatch.setattr(module, "BODY_TIMEOUT_S", 0.1)
    answer = talk(HEAD + b"Content-Length: 100\r\n\r\n{")
    assert b" 408 " in answer.splitlines()[0]
    assert webhook.count("malformed") == 1


def test_a_body_that_breaks_off_is_counted_and_keeps_nothing(webhook, store, eventually) -> None:
    host, port = webhook.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
    eventually(lambda: webhook.count("malformed") == 1, "the webhook notices")
    assert store.notifications() == []


def test_too_many_at_a_time_are_told_to_come_again(start) -> None:
    webhook = start(max_in_flight=0)
    answer = webhook.notify()
    assert (answer.status, answer.headers["retry-after"]) == (503, "30")
    assert webhook.count("busy") == 1


def test_a_place_is_free_again_whatever_became_of_the_notification(start) -> None:
    webhook = start(max_in_flight=1)
    body = webhook.body()
    for sent in (b"{}", b"x" * (MAX_BODY_BYTES + 1), body, body):
        webhook.post(sent)
    assert webhook.notify().status == 200
    assert webhook.count("busy") == 0
