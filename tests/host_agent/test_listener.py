"""The listener's sockets, in both loops that the agent may run in."""

import asyncio
import socket
from collections.abc import Callable

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
        answer = await asyncio.wait_for(reader.readline(), 20)
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
