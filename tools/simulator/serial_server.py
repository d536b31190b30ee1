"""A serial server, as ser2net is one: a serial port served over TCP, to one client at a time."""

import contextlib
import os
import select
import socket
import termios
import threading
import tty
from pathlib import Path
from types import TracebackType
from typing import Self

_CHUNK = 4096
_STUCK_S = 10  # a client that takes nothing is hung up on


class SerialServer:
    """Serves the device `port`, which is opened for each client anew, at `url`.

    A client whose port cannot be opened, or goes away, is hung up on. Context manager.
    """

    def __init__(self, port: Path) -> None:
        self._port = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = "socket://{}:{}".format(*self._server.getsockname())
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name=self.url, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.close()
        self._thread.join()
        self._stopped.close()
        self._server.close()

    def _serve(self) -> None:
        while True:
            ready, _, _ = select.select([self._server, self._stopped], [], [])
            if self._stopped in ready:
                return
            client, _ = self._server.accept()
            client.settimeout(_STUCK_S)
            with client, contextlib.suppress(OSError):
                device = os.open(self._port, os.O_RDWR | os.O_NOCTTY)
                try:
                    tty.setraw(device)
                    termios.tcflush(device, termios.TCIFLUSH)  # what came before is no client's
                    self._carry(client, device)
                finally:
                    os.close(device)

    def _carry(self, client: socket.socket, device: int) -> None:
        """Until the client or the device goes, or the server stops; OSError if either is broken."""
        while True:
            ready, _, _ = select.select([client.fileno(), device, self._stopped.fileno()], [], [])
            if self._stopped.fileno() in ready:
                return
            if client.fileno() in ready:
                data = client.recv(_CHUNK)
                if not data:
                    return
                while data:
                    data = data[os.write(device, data) :]
            if device in ready:
                data = os.read(device, _CHUNK)
                if not data:
                    return
                client.sendall(data)
