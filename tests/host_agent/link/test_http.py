"""The device link on a real socket: what boards and strangers get to see."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from host_agent.link import http
from host_agent.link.http import MAX_FRAME_BYTES, link_app
from host_agent.link.sessions import Sessions
from host_agent.listener import Listener
from host_agent.metrics import Metrics

HEAD = b"POST /v1/frames HTTP/1.1\r\nHost: agent\r\nContent-Type: application/jose\r\n"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Any]]


@asynccontextmanager
async def listening(
    sessions: Sessions, metrics: Metrics, max_in_flight: int
) -> AsyncIterator[Listener]:
    app = link_app(sessions, metrics, max_in_flight)
    with Listener(app, "127.0.0.1", 0, metrics.frames.labels("busy").inc) as listener:
        serving = asyncio.create_task(listener.serve())
        try:
            yield listener
        finally:
            listener.stop()
            await serving


@pytest.fixture
def with_link(sessions: Sessions, metrics: Metrics):
    """Runs a conversation on a fresh connection to the link."""

    def run(talk: Talk, max_in_flight: int = 10) -> Any:
        async def main() -> Any:
            async with listening(sessions, metrics, max_in_flight) as listener:
                port = int(listener.url.rpartition(":")[2])
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                try:
                    return await asyncio.wait_for(talk(reader, writer), 20)
                finally:
                    writer.close()

        return asyncio.run(main())

    return run


@pytest.fixture
def send(with_link):
    """Sends raw bytes; (status, headers, body) of the answer."""

    def send(data: bytes, max_in_flight: int = 10) -> tuple[int, dict[str, str], bytes]:
        async def talk(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> tuple[int, dict[str, str], bytes]:
            writer.write(data)
            return await answer(reader)

        return with_link(talk, max_in_flight)

    return send


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status, *lines = head.rstrip().split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    return int(status.split()[1]), headers, await reader.readexactly(int(headers["content-length"]))


def post(body: bytes) -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


def frames(metrics: Metrics, result: str) -> float:
    return metrics.registry.get_sample_value("thingwarden_frames_total", {"result": result}) or 0


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


def test_a_dripping_body_is_408(send, monkeypatch) -> None:
    monkeypatch.setattr(http, "BODY_TIMEOUT_S", 0.1)
    status, headers, _ = send(HEAD + b"Content-Length: 100\r\n\r\nxxx")
    assert (status, headers["connection"]) == (408, "close")


def test_a_dripping_head_is_hung_up(with_link, monkeypatch) -> None:
    monkeypatch.setattr("host_agent.listener.HEAD_TIMEOUT_S", 0.1)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"POST /v1/frames HTTP/1.1\r\nHost:")
        return await reader.read()

    assert with_link(talk) == b""


def test_a_dripping_head_after_a_good_report_is_hung_up(with_link, board, monkeypatch) -> None:
    monkeypatch.setattr("host_agent.listener.HEAD_TIMEOUT_S", 0.1)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(post(board.seal()) + b"POST /v1")
        assert (await answer(reader))[0] == 200
        return await reader.read()

    assert with_link(talk) == b""


def test_an_endless_head_is_hung_up(with_link) -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"X-Filler: ")
        try:
            while True:
                writer.write(b"x" * 4096)
                await writer.drain()
        except ConnectionError:
            return

    with_link(talk)


async def flood(writer: asyncio.StreamWriter, piece: bytes) -> None:
    """20 MB of it."""
    for _ in range(20_000_000 // len(piece)):
        writer.write(piece)
        await writer.drain()


@pytest.mark.parametrize("piece", [b"x" * 4096, b"a:b\r\n" * 1000], ids=["endless", "many"])
def test_a_flood_of_trailers_is_hung_up_and_not_kept(with_link, piece: bytes) -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n")
        tracemalloc.start()
        try:
            with pytest.raises(ConnectionError):
                await flood(writer, piece)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert with_link(talk) < 8_000_000


def test_small_trailers_are_passed_over(with_link, board) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            frame = board.seal()
            chunks = b"%x\r\n%b\r\n0\r\nX-Sum: 1\r\n\r\n" % (len(frame), frame)
            writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
            assert (await answer(reader))[0] == 200

    with_link(talk)


def test_pipelined_requests_are_bounded_one_by_one(with_link) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(post(b"x" * MAX_FRAME_BYTES) * 20)
        for _ in range(20):
            assert (await answer(reader))[0] == 400

    with_link(talk)


def test_an_endless_body_that_nobody_reads_is_hung_up(with_link) -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"POST / HTTP/1.1\r\nHost: agent\r\nContent-Length: 20000000\r\n\r\n")
        with pytest.raises(ConnectionError):
            await flood(writer, b"x" * 4096)

    with_link(talk)


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, piece: bytes) -> None:
    """Goes on until it is hung up."""
    with suppress(ConnectionError):
        while not reader.at_eof():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)


def test_a_dripping_body_that_nobody_reads_is_hung_up(with_link, monkeypatch) -> None:
    monkeypatch.setattr("host_agent.listener.REST_TIMEOUT_S", 0.1)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"POST / HTTP/1.1\r\nHost: agent\r\nContent-Length: 60000\r\n\r\n")
        assert (await answer(reader))[0] == 404
        await drip(reader, writer, b"x")

    with_link(talk)


@pytest.mark.parametrize("upgrade", [b"", b"Connection: upgrade\r\nUpgrade: x\r\n"])
def test_dripping_what_is_no_request_is_hung_up(with_link, monkeypatch, upgrade: bytes) -> None:
    monkeypatch.setattr("host_agent.listener.HEAD_TIMEOUT_S", 0.1)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET / HTTP/1.1\r\nHost: agent\r\n" + upgrade + b"\r\n")
        assert (await answer(reader))[0] == 404
        await drip(reader, writer, b"\r\n")

    with_link(talk)


def test_a_report_broken_off_records_nothing(with_link, board, store, press, metrics) -> None:
    frame = board.seal(press(1, 1))

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % len(frame) + frame[:-1])
        await writer.drain()
        writer.transport.abort()

    with_link(talk)  # which lets requests under way finish
    assert frames(metrics, "malformed") == 1
    assert store.events() == []


def test_pipelined_rubbish_ends_the_connection_and_harms_nobody(with_link, board) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(post(board.seal()) + b"\x00\xff rubbish\r\n\r\n" * 3)
        return await reader.read()

    assert b" 400 " in with_link(talk)
    assert with_link(lambda reader, writer: _report(reader, writer, board)) == 200


async def _report(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, board: Any) -> int:
    writer.write(post(board.seal()))
    return (await answer(reader))[0]


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


def test_connections_above_the_cap_are_hung_up_and_counted(
    with_link, board, metrics, monkeypatch
) -> None:
    monkeypatch.setattr("host_agent.listener.MAX_CONNECTIONS", 1)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        writer.write(post(board.seal()))
        assert (await answer(reader))[0] == 200
        stranger, its_writer = await asyncio.open_connection(*writer.get_extra_info("peername"))
        with suppress(ConnectionError):
            assert await stranger.read() == b""
        its_writer.close()
        return await _report(reader, writer, board)

    assert with_link(talk) == 200
    assert frames(metrics, "busy") == 1


def test_a_store_that_is_gone_is_refused_and_not_acked(send, board, store, press) -> None:
    store.close()
    status, _, body = send(post(board.seal(press(1, 1))))
    assert status == 503
    assert board.open(body) == {"error": "unavailable", "retry_ms": 5000}
