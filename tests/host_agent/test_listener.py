"""The listener's sockets, in both loops that the agent may run in."""

import asyncio
import socket
import tracemalloc
from collections.abc import Callable
from contextlib import suppress

import pytest
import uvloop
from starlette.applications import Starlette

from host_agent.listener import Listener, ListenError

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


async def options_of_a_connection() -> tuple[bytes, list[int]]:
    """The answer on a connection to a listener, and TCP_NODELAY of the sockets it accepted."""
    with Listener(Starlette(), "127.0.0.1", 0) as listener:
        serving = asyncio.create_task(listener.serve())
        port = int(listener.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: agent\r\n\r\n")
        answer = await asyncio.wait_for(reader.readline(), 60)
        connections = list(listener._server.server_state.connections)
        accepted = [connection.transport.get_extra_info("socket") for connection in connections]
        options = [one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for one in accepted]
        writer.close()
        listener.stop()
        await serving
    return answer, options


@pytest.mark.parametrize("new_loop", LOOPS)
def test_no_reply_waits_for_an_acknowledgement(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        answer, (option,) = runner.run(options_of_a_connection())
    assert answer == b"HTTP/1.1 404 Not Found\r\n"
    assert option != 0


def test_a_taken_port_is_told() -> None:
    with Listener(Starlette(), "127.0.0.1", 0) as listener:
        port = int(listener.url.rpartition(":")[2])
        with pytest.raises(ListenError, match=f"cannot listen on 127.0.0.1:{port}: "):
            Listener(Starlette(), "127.0.0.1", port)


async def memory_of_pipelined(count: int) -> int:
    """Bytes that the agent takes for so many requests at a time on a connection that reads no
    answer, until it is hung up."""
    with Listener(Starlette(), "127.0.0.1", 0) as listener:
        serving = asyncio.create_task(listener.serve())
        port = int(listener.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        tracemalloc.start()
        try:
            writer.write(b"GET / HTTP/1.1\r\n\r\n" * count)
            with suppress(ConnectionError):
                await asyncio.wait_for(reader.read(), 60)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            writer.close()
            listener.stop()
            await serving


@pytest.mark.parametrize("new_loop", LOOPS)
def test_requests_that_wait_for_an_earlier_one_are_few(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(memory_of_pipelined(10_000)) < 5_000_000


async def end_of_a_client_that_reads_nothing() -> bool:
    """Whether the listener hangs up on who asks and asks, and takes no answer."""
    with Listener(Starlette(), "127.0.0.1", 0) as listener:
        serving = asyncio.create_task(listener.serve())
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        port = int(listener.url.rpartition(":")[2])
        await loop.sock_connect(client, ("127.0.0.1", port))
        try:
            async with asyncio.timeout(60):
                while True:
                    await loop.sock_sendall(client, b"GET / HTTP/1.1\r\n\r\n")
        except ConnectionError:
            return True
        except TimeoutError:
            return False
        finally:
            client.close()
            listener.stop()
            await serving


def test_who_reads_no_answer_is_hung_up(monkeypatch) -> None:
    monkeypatch.setattr("host_agent.listener.UNREAD_S", 0.3)
    assert asyncio.run(end_of_a_client_that_reads_nothing())
