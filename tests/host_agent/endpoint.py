"""A small real HTTP endpoint whose every byte a test can choose."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

ACCEPTED = b"HTTP/1.1 201 Created\r\nX-Trace: t-1\r\nContent-Length: 2\r\n\r\n{}"

Answer = Callable[[socket.socket], None]

GIVEN_UP_S = 15.0
"""A client whose time-out is 4 s or less has given up by then, however busy this machine is."""

BEGINNINGS = {
    "status-line": b"",
    "headers": b"HTTP/1.1 200 OK\r\n",
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
    "chunked-body": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100\r\n",
}
"""Of answers, by what they then drip."""


def answering(body: bytes, status: int = 200) -> Answer:
    """Every request gets this one."""
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return lambda connection: connection.sendall(head + body)


class Endpoint:
    """Reads requests and lets `answer` write to the connection; answers 201 if there is none."""

    def __init__(self, answer: Answer | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer or (lambda connection: connection.sendall(ACCEPTED))
        self.tls = tls
        self.requests: list[bytes] = []
        self.connections: list[socket.socket] = []
        self.released = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.base = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.url = f"{self.base}/api/v1/event"

    def drip_after(self, start: bytes) -> None:
        """Every answer begins with `start` and goes on byte by byte, until the test is over."""

        def answer(connection: socket.socket) -> None:
            connection.sendall(start)
            while not self.released.wait(0.05):
                connection.sendall(b"x")

        self.answer = answer

    @contextmanager
    def serving(self) -> Iterator["Endpoint"]:
        accepting = threading.Thread(target=self._accept)
        accepting.start()
        try:
            yield self
        finally:
            self.released.set()
            self._listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            self._listener.close()
            for thread in self._threads:
                thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket) -> None:
        connection = plain
        try:
            if self.tls:
                connection = self.tls.wrap_socket(plain, server_side=True)
            with connection.makefile("rb") as stream:
                while request := _read_request(stream):
                    self.requests.append(request)
                    self.answer(connection)
        except OSError:
            pass
        finally:
            connection.close()


def _read_request(stream) -> bytes:
    head = b""
    length = 0
    for line in stream:
        head += line
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
        if line == b"\r\n":
            return head + stream.read(length)
    return b""
