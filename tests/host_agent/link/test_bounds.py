"""What a connection to the device link may cost, whoever is at its other end."""

import asyncio
import tracemalloc
from contextlib import suppress
from typing import Any

import pytest

from host_agent.link.http import MAX_FRAME_BYTES
from tests.host_agent.link.wire import HEAD, answer, frames, post


def test_a_dripping_head_is_hung_up(with_link, monkeypatch) -> None:
    monkeypatch.setattr("host_agent.listener.HEAD_TIMEOUT_S", 0.1)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"POST /v1/frames HTTP/1.1\r\nHost:")
        return await reader.read()

    assert with_link(talk) == b""


def test_a_dripping_head_after_a_good_report_is_hung_up(with_link, board, monkeypatch) -> None:
    monkeypatch.setattr("host_agent.listener.HEAD_TIMEOUT_S", 0.1)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(post(board.seal()))
        assert (await answer(reader))[0] == 200
        writer.write(b"POST /v1")
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


def test_pipelined_rubbish_ends_the_connection_and_harms_nobody(with_link, board) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(post(board.seal()) + b"\x00\xff rubbish\r\n\r\n" * 3)
        return await reader.read()

    assert b" 400 " in with_link(talk)
    assert with_link(lambda reader, writer: _report(reader, writer, board)) == 200


async def _report(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, board: Any) -> int:
    writer.write(post(board.seal()))
    return (await answer(reader))[0]


def test_connections_above_the_cap_are_hung_up_and_counted(with_link, board, metrics) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        writer.write(post(board.seal()))
        assert (await answer(reader))[0] == 200
        stranger, its_writer = await asyncio.open_connection(*writer.get_extra_info("peername"))
        with suppress(ConnectionError):
            assert await stranger.read() == b""
        its_writer.close()
        return await _report(reader, writer, board)

    assert with_link(talk, max_connections=1) == 200
    assert frames(metrics, "busy") == 1
