"""The board's own way to GuardianKey, with real TLS: what it trusts, and for how long it waits."""

import base64
import contextlib
import json
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from Crypto.Cipher import AES

from tests.certificates import Authority
from tools.simulator import PERIPHERALS, micropython
from tools.simulator.board_process import FIRMWARE, HEAP

KEY, IV = bytes(range(32)), bytes(range(16))
DEADLINE_MS = 2000
VERDICT = b'{"response":"NOTIFY","risk":"12.5","eventId":"e","event_token":"t"}'
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(VERDICT), VERDICT)

ON_THE_BOARD = """
import json, sys
from time import sleep_ms, ticks_diff, ticks_ms
import warden
from warden.guardiankey import GuardianKey
from warden.link_http import HttpLink
class Settings:
    pass
given = json.loads(sys.stdin.read())
for name in given["settings"]:
    setattr(Settings, name, given["settings"][name])
Settings.key, Settings.iv = bytes(range(32)), bytes(range(16))
if given["route"] == "rest":
    from warden.route_rest import RestRoute
    route = RestRoute(Settings, given["deadline_ms"])
else:
    from warden.route_udp import UdpRoute
    route = UdpRoute(Settings, given["deadline_ms"])
link = HttpLink(given["link"], 1000) if given["link"] else None
message = GuardianKey(Settings).message(1700000000, "Jos\\u00e9", True, 7, "192.0.2.7")
began = ticks_ms()
longest = 0
route.send(7, message, given["ask"])
answer = None
transfers = 0
if link:
    link.send(b"the.frame")
while answer is None:
    round_began = ticks_ms()
    answer = route.take()
    transfer = link.take() if link else None
    if transfer:
        assert transfer.status == 200, transfer.error
        transfers += 1
        link.send(b"the.frame")
    longest = max(longest, ticks_diff(ticks_ms(), round_began))
    sleep_ms(5)
took = ticks_diff(ticks_ms(), began)
print(json.dumps({"answer": answer, "took": took, "longest": longest, "transfers": transfers}))
"""


class Board:
    """What a board told after one attempt."""

    def __init__(
        self,
        flash: Path,
        ca: bytes = b"",
        route: str = "rest",
        ask: bool = True,
        link: str = "",
        deadline_ms: int = DEADLINE_MS,
        **settings: str,
    ) -> None:
        (flash / "ca.der").write_bytes(ca)
        settings = {
            "agent_id": "agent-1",
            "organization_id": "organization-1",
            "auth_group_id": "group-1",
            "service": "front-door",
            "client_reverse": "",
            "user_agent": "ThingWarden",
            "ca": "ca.der",
            **settings,
        }
        job = {"settings": settings, "route": route, "ask": ask, "link": link}
        run = subprocess.run(
            [micropython(), "-X", f"heapsize={HEAP}", "-c", ON_THE_BOARD],
            input=json.dumps({**job, "deadline_ms": deadline_ms}),
            cwd=flash,
            env={**os.environ, "MICROPYPATH": f"{FIRMWARE}:{PERIPHERALS}:.frozen"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert run.returncode == 0, run.stdout + run.stderr
        *console, last = run.stdout.splitlines()
        self.console = "\n".join(console)
        told = json.loads(last)
        self.answer = tuple(told["answer"])
        self.took_ms = told["took"]
        self.longest_round_ms = told["longest"]
        self.transfers = told["transfers"]


class Server:
    """A TCP server that gives every connection to `behaviour`, on a thread of its own."""

    def __init__(self, behaviour: Callable[[socket.socket], None]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._behaviour = behaviour
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def _serve(self) -> None:
        while True:
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return
            self._connections.append(connection)
            thread = threading.Thread(target=self._talk, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self._behaviour(connection)

    def close(self) -> None:
        for sock in (self._listener, *self._connections):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join()


class Api:
    """A TLS server that takes one request per connection and answers as `answer` does."""

    def __init__(
        self, context: ssl.SSLContext, answer: Callable[[ssl.SSLSocket], None] | bytes = WHOLE
    ) -> None:
        self.context = context
        self.context.sni_callback = self._named
        self.requests: list[bytes] = []
        self.names: list[str | None] = []
        self._answer = answer
        self.server = Server(self._talk)
        self.port = self.server.port

    def _named(self, _connection: ssl.SSLObject, name: str | None, _context: object) -> None:
        self.names.append(name)

    def _talk(self, connection: socket.socket) -> None:
        with self.context.wrap_socket(connection, server_side=True) as tls:
            data = b""
            while b"\r\n\r\n" not in data or not data.endswith(b"}"):
                received = tls.recv(4096)
                if not received:
                    return
                data += received
                self.requests[:] = [data]
            if callable(self._answer):
                self._answer(tls)
            else:
                tls.sendall(self._answer)
                tls.unwrap()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def serve() -> Iterator[Callable[..., Any]]:
    """Starts a server that is closed at the end of the test."""
    running: list[Server] = []

    def start(kind: Callable[..., Any], *arguments: Any) -> Any:
        server = kind(*arguments)
        running.append(getattr(server, "server", server))
        return server

    yield start
    for server in running:
        server.close()


def decrypted(message: bytes) -> dict[str, Any]:
    cipher = AES.new(KEY, AES.MODE_CFB, iv=IV, segment_size=8)
    event = json.loads(cipher.decrypt(base64.b64decode(message, validate=True)).decode())
    assert isinstance(event, dict)
    return event


def test_a_trusted_server_gives_the_verdict(
    serve: Callable[..., Any], authority: Authority, tmp_path: Path
) -> None:
    api = serve(Api, authority.server("localhost"))
    board = Board(tmp_path, authority.der, api=f"https://localhost:{api.port}")
    assert board.answer == (7, "NOTIFY", False)
    (request,) = api.requests
    head, body = request.split(b"\r\n\r\n")
    assert head.startswith(b"POST /checkaccess HTTP/1.")
    posted = json.loads(body)
    assert set(posted) == {"id", "message"} and posted["id"] == "group-1"
    event = decrypted(posted["message"].encode())
    assert (event["userName"], event["loginFailed"], event["sequential"]) == ("José", "1", 7)
    assert api.names == ["localhost"]


def test_a_late_attempt_is_sent_for_the_record(
    serve: Callable[..., Any], authority: Authority, tmp_path: Path
) -> None:
    api = serve(Api, authority.server("localhost"))
    board = Board(tmp_path, authority.der, ask=False, api=f"https://localhost:{api.port}/v/1")
    assert board.answer == (7, "SENT", False)
    assert api.requests[0].startswith(b"POST /v/1/sendevent HTTP/1.")


@pytest.mark.parametrize(
    ("host", "valid_from_days", "known", "words"),
    [
        ("localhost", -30, False, "not correctly signed"),
        ("elsewhere.test", -30, True, "does not match"),
        ("127.0.0.1", -30, True, "does not match"),
        ("localhost", -90, True, "expired"),
        ("localhost", 30, True, "future"),
    ],
    ids=["wrong CA", "wrong name", "address for a name", "expired", "not yet valid"],
)
def test_a_server_that_does_not_prove_itself_is_told_nothing(
    serve: Callable[..., Any],
    authority: Authority,
    tmp_path: Path,
    host: str,
    valid_from_days: int,
    known: bool,
    words: str,
) -> None:
    signer = authority if known else Authority(tmp_path)
    api = serve(Api, signer.server(host, valid_from_days=valid_from_days))
    board = Board(tmp_path, authority.der, api=f"https://localhost:{api.port}")
    assert board.answer == (7, "ERROR", True)
    assert words in board.console
    api.server.close()
    assert api.names == ["localhost"]
    assert api.requests == []


def test_the_answer_counts_when_the_server_ends_without_goodbye(
    serve: Callable[..., Any], authority: Authority, tmp_path: Path
) -> None:
    def cut(tls: ssl.SSLSocket) -> None:
        tls.sendall(WHOLE)
        tls.shutdown(socket.SHUT_RDWR)

    api = serve(Api, authority.server("localhost"), cut)
    board = Board(tmp_path, authority.der, api=f"https://localhost:{api.port}")
    assert board.answer == (7, "NOTIFY", False)


@pytest.mark.parametrize("answer", [WHOLE[:-1], WHOLE[:30], b""], ids=["body", "head", "nothing"])
def test_an_answer_that_is_cut_off_is_no_verdict(
    serve: Callable[..., Any], authority: Authority, tmp_path: Path, answer: bytes
) -> None:
    api = serve(Api, authority.server("localhost"), answer)
    board = Board(tmp_path, authority.der, api=f"https://localhost:{api.port}")
    assert board.answer == (7, "ERROR", True)


def test_a_redirect_is_refused(
    serve: Callable[..., Any], authority: Authority, tmp_path: Path
) -> None:
    elsewhere = serve(Api, authority.server("localhost"))
    location = b"https://localhost:%d/checkaccess" % elsewhere.port
    redirect = b"HTTP/1.1 307 Go\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n"
    api = serve(Api, authority.server("localhost"), redirect)
    board = Board(tmp_path, authority.der, api=f"https://localhost:{api.port}")
    assert board.answer == (7, "ERROR", True)
    assert "redirect" in board.console
    assert elsewhere.names == []


def test_an_oversized_answer_is_refused(
    serve: Callable[..., Any], authority: Authority, tmp_path: Path
) -> None:
    body = json.dumps({"response": "ACCEPT", "message": "x" * 60000}).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    api = serve(Api, authority.server("localhost"), answer)
    board = Board(tmp_path, authority.der, api=f"https://localhost:{api.port}")
    assert board.answer == (7, "ERROR", False)
    assert "too long" in board.console


def hang(connection: socket.socket) -> None:
    """Take everything, say nothing."""
    while connection.recv(4096):
        pass


def drip(connection: socket.socket, data: bytes) -> None:
    for byte in data:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)
    hang(connection)


def drip_hello(connection: socket.socket) -> None:
    """The beginning of a handshake record of 16 KB, byte by byte."""
    connection.recv(4096)
    drip(connection, b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc" + bytes(1000))


@pytest.mark.parametrize("behaviour", [hang, drip_hello])
def test_a_handshake_that_does_not_end_is_given_up_in_time(
    serve: Callable[..., Any],
    authority: Authority,
    tmp_path: Path,
    behaviour: Callable[[socket.socket], None],
) -> None:
    server = serve(Server, behaviour)
    board = Board(tmp_path, authority.der, api=f"https://localhost:{server.port}")
    assert board.answer == (7, "ERROR", True)
    assert DEADLINE_MS <= board.took_ms < DEADLINE_MS + 1000
    assert board.longest_round_ms < 500


@pytest.mark.parametrize("answer", [hang, lambda tls: drip(tls, WHOLE)], ids=["hang", "drip"])
def test_an_answer_that_does_not_end_is_given_up_in_time(
    serve: Callable[..., Any],
    authority: Authority,
    tmp_path: Path,
    answer: Callable[[ssl.SSLSocket], None],
) -> None:
    api = serve(Api, authority.server("localhost"), answer)
    board = Board(tmp_path, authority.der, api=f"https://localhost:{api.port}")
    assert board.answer == (7, "ERROR", True)
    assert len(api.requests) == 1
    assert DEADLINE_MS <= board.took_ms < DEADLINE_MS + 1000


def test_the_link_goes_on_while_the_api_hangs(
    serve: Callable[..., Any], authority: Authority, tmp_path: Path
) -> None:
    def agent(connection: socket.socket) -> None:
        data = b""
        while not data.endswith(b"the.frame"):
            data += connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na.b.c.d.e")

    link = serve(Server, agent)
    hanging = serve(Server, drip_hello)
    board = Board(
        tmp_path,
        authority.der,
        link=f"http://127.0.0.1:{link.port}",
        api=f"https://localhost:{hanging.port}",
    )
    assert board.answer == (7, "ERROR", True)
    assert board.transfers > 20


def test_a_datagram_reaches_the_collector_once(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as collector:
        collector.bind(("127.0.0.1", 0))
        collector.settimeout(10)
        port = collector.getsockname()[1]
        board = Board(tmp_path, route="udp", collector=f"127.0.0.1:{port}")
        assert board.answer == (7, "SENT", False)
        datagram = collector.recv(65535)
        collector.setblocking(False)
        with pytest.raises(BlockingIOError):
            collector.recv(65535)
    group, message = datagram.split(b"|", 1)
    assert group == b"group-1"
    event = decrypted(message)
    assert (event["userName"], event["authGroupId"], event["sequential"]) == ("José", "group-1", 7)
