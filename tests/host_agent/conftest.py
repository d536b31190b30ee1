"""The two ends that an agent stands between: a board with its key, and a cloud."""

import http.client
import json
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from host_agent.link.frames import open_reply, seal_report, tag_of


@dataclass
class SealedBoard:
    """The board's end of the link: counts frames, seals reports, opens replies."""

    device: str
    key: bytes = field(repr=False)
    boot: int = 1
    frame: int = 0
    last: str = field(default="", repr=False)

    def seal(self, *events: object, **fields: object) -> bytes:
        """The next report as a frame. `fields` add to or replace those of the report."""
        self.frame += 1
        report = {"boot": self.boot, "frame": self.frame, "events": events} | fields
        return self.seal_bytes(json.dumps(report).encode())

    def seal_bytes(self, payload: bytes) -> bytes:
        self.last = seal_report(self.device, self.key, payload)
        return self.last.encode()

    def open(self, reply: bytes | str) -> dict[str, Any]:
        """The reply to the last frame, without what every reply has."""
        frame = reply if isinstance(reply, bytes) else reply.encode()
        content: dict[str, Any] = json.loads(open_reply(frame, self.device, self.key))
        assert content.pop("re") == tag_of(self.last)
        assert isinstance(content.pop("now"), int)
        return content

    def post(self, url: str, frame: bytes) -> tuple[int, bytes]:
        """(status, body) of a frame sent to the agent at `url`."""
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
        try:
            connection.request("POST", "/v1/frames", frame, {"Content-Type": "application/jose"})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def report(self, url: str, *events: object, **fields: object) -> dict[str, Any]:
        """Send a report to the agent at `url`; what its sealed reply says."""
        _, body = self.post(url, self.seal(*events, **fields))
        return self.open(body)


def press(boot: int, seq: int, **fields: object) -> dict[str, object]:
    """An event as a board sends it."""
    return {"id": [boot, seq], "type": "buttonState", "params": {"pressed": True}} | fields


class Cloud(ThreadingHTTPServer):
    """Takes every event with `status`; `bodies` and `authorizations` tell what came, in order."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _CloudHandler)
        self.url = f"http://127.0.0.1:{self.server_port}/api/v1/event"
        self.status = 201
        self.answer = b'{"status":"accepted"}'
        self.bodies: queue.Queue[dict[str, Any]] = queue.Queue()
        self.authorizations: queue.Queue[str] = queue.Queue()


class _CloudHandler(BaseHTTPRequestHandler):
    server: Cloud

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.authorizations.put(self.headers["Authorization"])
        self.server.bodies.put(json.loads(body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def make_board() -> type[SealedBoard]:
    return SealedBoard


@pytest.fixture(name="press")
def press_fixture() -> Any:
    return press


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
