"""Forms that come slowly."""

import socket

import pytest
from anyio.from_thread import start_blocking_portal
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from host_agent.console.forms import read_form
from host_agent.listener import Listener

HEAD = (
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 9\r\n\r\n"
)


async def _echo(request: Request) -> Response:
    return JSONResponse(await read_form(request, timeout_s=0.2))


@pytest.fixture
def connection():
    """To a listener whose forms have 0.2 s."""
    app = Starlette(routes=[Route("/", _echo, methods=["POST"])])
    with start_blocking_portal() as portal, Listener(app, "127.0.0.1", 0) as listener:
        serving = portal.start_task_soon(listener.serve)
        host, port = listener.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            yield connection
        listener.stop()
        serving.result(20)


def test_a_form_that_drips_is_given_up(connection) -> None:
    connection.sendall(HEAD)
    connection.sendall(b"a=1")
    answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert b" 408 " in answer.splitlines()[0]


def test_a_form_in_pieces_is_read(connection) -> None:
    for piece in (HEAD[:20], HEAD[20:], b"a=1&", b"b=%41"):
        connection.sendall(piece)
    answer = connection.recv(4096)
    while b"}" not in answer:
        answer += connection.recv(4096)
    assert answer.endswith(b'{"a":"1","b":"A"}')
