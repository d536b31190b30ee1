"""A serial server: a port on the network that is a serial port somewhere else."""

import contextlib
import os
import select
import socket
import threading
from typing import Self


class SerialServer:
    """Carries bytes between one connection at a time and `port`; `url` is what pyserial takes."""

    def __init__(self, port: str) -> None:
        self._port = os.open(port, os.O_RDWR | os.O_NOCTTY)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._server.getsockname()[1]}"
        self._ending, self._end = os.pipe()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._end)
        self._thread.join()
        self._server.close()
        for descriptor in (self._port, self._ending):
            os.close(descriptor)

    def _serve(self) -> None:
        while self._ending not in select.select([self._server, self._ending], [], [])[0]:
            with self._server.accept()[0] as connection, contextlib.suppress(ConnectionError):
                self._carry(connection)

    def _carry(self, connection: socket.socket) -> None:
        while True:
            ready = select.select([connection, self._port, self._ending], [], [])[0]
            if self._ending in ready:
                return
            if self._port in ready:
                connection.sendall(os.read(self._port, 4096))
            if connection in ready:
                data = connection.recv(4096)
                if not data:
                    return
                os.write(self._port, data)
