"""The device link on a real socket: what boards and strangers are told."""

import asyncio

import pytest

from host_agent.link.http import MAX_FRAME_BYTES
from tests.host_agent.link.wire import HEAD, answer, frames, post


def test_a_report_is_answered_with_a_sealed_reply(send, board, press) -> None:
    status, headers, body = send(post(board.seal(press(1, 1))))
    assert status == 200
    assert headers == {"content-type": "application/jose", "content-length": str(len(body))}
    assert board.open(body) == {"ack": [1, 1]}


def test_a_client_of_http_1_0_is_answered_and_hung_up(with_link, board) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(post(board.seal()).replace(b"HTTP/1.1", b"HTTP/1.0", 1))
        return await reader.read()

    head, _, body = with_link(talk).partition(b"\r\n\r\n")
    assert b" 200 " in head.splitlines()[0]
    assert b"chunked" not in head
    assert board.open(body) == {"ack": [0, 0]}


def test_a_connection_carries_many_reports(with_link, board, press) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for seq in (1, 2, 3):
            writer.write(post(board.seal(press(1, seq))))
            assert board.open((await answer(reader))[2]) == {"ack": [1, seq]}

    with_link(talk)


def test_a_full_store_is_503_with_a_sealed_refusal(send, board, press) -> None:
    status, headers, body = send(post(board.seal(*(press(1, seq) for seq in range(6)))))
    assert (status, headers["retry-after"]) == (503, "5")
    assert headers["content-type"] == "application/jose"
    assert board.open(body) == {"error": "full", "retry_ms": 5000}


def test_a_stranger_and_a_wrong_key_get_the_same_401(send, make_board) -> None:
    stranger = send(post(make_board("stranger", bytes(32)).seal()))
    wrong = send(post(make_board("door", bytes(32)).seal()))
    assert stranger[0] == 401
    assert stranger == wrong


@pytest.mark.parametrize("body", [b"", b"{}", b"a.b.c.d.e", bytes(1000)])
def test_what_is_no_frame_is_400(send, body: bytes) -> None:
    assert send(post(body))[0] == 400


def test_another_content_type_is_400(send, board, metrics) -> None:
    request = post(board.seal()).replace(b"application/jose", b"application/json", 1)
    assert send(request)[0] == 400
    assert frames(metrics, "malformed") == 1


def test_an_announced_giant_is_413_before_it_is_sent(send, metrics) -> None:
    status, headers, _ = send(HEAD + b"Content-Length: %d\r\n\r\n" % (MAX_FRAME_BYTES + 1))
    assert (status, headers["connection"]) == (413, "close")
    assert frames(metrics, "too_large") == 1


def test_a_giant_in_chunks_is_413(send, metrics) -> None:
    chunk = b"1000\r\n" + b"x" * 0x1000 + b"\r\n"
    status, headers, _ = send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 5)
    assert (status, headers["connection"]) == (413, "close")
    assert frames(metrics, "too_large") == 1


def test_a_frame_in_chunks_is_taken(send, board) -> None:
    frame = board.seal()
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(frame), frame)
    assert send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)[0] == 200


def test_the_largest_frame_is_read(send) -> None:
    assert send(post(b"x" * MAX_FRAME_BYTES))[0] == 400


def test_a_dripping_body_is_408(send) -> None:
    request = HEAD + b"Content-Length: 100\r\n\r\nxxx"
    status, headers, _ = send(request, body_timeout_s=0.1)
    assert (status, headers["connection"]) == (408, "close")


def test_a_report_broken_off_records_nothing(with_link, board, store, press, metrics) -> None:
    frame = board.seal(press(1, 1))

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % len(frame) + frame[:-1])
        await writer.drain()
        writer.transport.abort()

    with_link(talk)  # which lets requests under way finish
    assert frames(metrics, "malformed") == 1
    assert store.events() == []


@pytest.mark.parametrize(
    ("request_line", "status"),
    [(b"GET /v1/frames", 405), (b"PUT /v1/frames", 405), (b"POST /", 404), (b"GET /metrics", 404)],
)
def test_there_is_nothing_else_on_the_link(send, request_line: bytes, status: int) -> None:
    found, headers, body = send(request_line + b" HTTP/1.1\r\nHost: agent\r\n\r\n")
    assert found == status
    assert len(body) < 40
    assert "server" not in headers


def test_too_many_at_a_time_are_told_to_come_again(send, board, metrics) -> None:
    status, headers, _ = send(post(board.seal()), max_in_flight=0)
    assert (status, headers["retry-after"]) == (503, "1")
    assert frames(metrics, "busy") == 1


def test_a_store_that_is_gone_is_refused_and_not_acked(send, board, store, press) -> None:
    store.close()
    status, _, body = send(post(board.seal(press(1, 1))))
    assert status == 503
    assert board.open(body) == {"error": "unavailable", "retry_ms": 5000}
