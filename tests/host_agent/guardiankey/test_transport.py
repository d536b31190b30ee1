"""However the network or the server fails: ERROR with a reason, in time, and nothing raised."""

import gzip
import socket
import threading
import time

import pytest

from host_agent.guardiankey import Response

SHORT = (0.5, 0.5)


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100\r\n",
    ],
    ids=["status-line", "headers", "body", "chunked-body"],
)
def test_a_dripping_server_holds_nobody(start, serve, ask):
    def drip(connection):
        connection.sendall(start)
        while not endpoint.released.wait(0.05):
            connection.sendall(b"x")

    endpoint = serve(drip)
    begin = time.monotonic()
    verdict = ask(endpoint.base, timeout=SHORT)("check_access", "john")
    assert time.monotonic() - begin < 4
    assert verdict.response is Response.ERROR
    assert verdict.retry


def test_a_server_that_does_not_accept_holds_nobody(ask):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with socket.create_connection(full.getsockname()):  # fills the queue
            begin = time.monotonic()
            api = f"http://127.0.0.1:{full.getsockname()[1]}"
            verdict = ask(api, timeout=(0.3, 0.5))("check_access", "john")
    assert time.monotonic() - begin < 4
    assert (verdict.response, verdict.retry) == (Response.ERROR, True)


def test_a_resolver_that_hangs_holds_nobody(ask, monkeypatch):
    released = threading.Event()

    def hang(*_arguments, **_named):
        released.wait(60)
        raise socket.gaierror("no name")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    client = ask("https://guardiankey.invalid", timeout=SHORT)
    timer = threading.Timer(2, released.set)  # a loop ends only when its look-ups have
    timer.start()
    try:
        begin = time.monotonic()
        verdict = client("check_access", "john")
        assert time.monotonic() - begin < 5
        assert verdict.reason == "no answer from GuardianKey in time"
    finally:
        released.set()
        timer.cancel()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
    ids=["nothing", "text", "cut", "length", "status", "headers", "gzip", "chunks"],
)
def test_an_answer_that_is_no_http(answer, serve, ask):
    def send(connection):
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_RDWR)

    verdict = ask(serve(send).base)("check_access", "john")
    assert verdict.response is Response.ERROR
    assert verdict.reason


def test_a_compressed_flood_is_no_verdict(serve, ask):
    bomb = gzip.compress(b" " * 50_000_000 + b'{"response": "BLOCK"}')
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
    endpoint = serve(lambda connection: connection.sendall(head.encode() + bomb))
    assert ask(endpoint.base)("check_access", "john").response is Response.ERROR


def test_a_flood_is_no_verdict(serve, ask):
    body = b" " * 3_000_000 + b'{"response": "BLOCK"}'
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    endpoint = serve(lambda connection: connection.sendall(head + body))
    assert ask(endpoint.base)("check_access", "john").response is Response.ERROR


def test_a_redirect_is_not_followed(serve, ask):
    elsewhere = serve()
    redirect = f"HTTP/1.1 307 X\r\nLocation: {elsewhere.base}\r\nContent-Length: 0\r\n\r\n"
    endpoint = serve(lambda connection: connection.sendall(redirect.encode()))
    assert "307" in ask(endpoint.base)("check_access", "john").reason
    assert elsewhere.requests == []


def test_a_trusted_certificate_is_accepted(api, ask, authority):
    endpoint = api(tls=authority.server())
    verdict = ask(endpoint.base, ca=authority.pem)("check_access", "john")
    assert verdict.response is Response.ACCEPT


@pytest.mark.parametrize(
    ("certificate", "trusted"),
    [({}, False), ({"expired": True}, True), ({"address": "127.0.0.2"}, True)],
    ids=["unknown authority", "expired", "another name"],
)
def test_a_certificate_that_proves_nothing_is_refused(api, ask, authority, certificate, trusted):
    endpoint = api(tls=authority.server(**certificate))
    client = ask(endpoint.base, ca=authority.pem if trusted else None)
    verdict = client("check_access", "john")
    assert verdict.response is Response.ERROR
    assert verdict.retry
    assert "certificate was not accepted" in verdict.reason
    sent = client("send_event", "john")
    assert "certificate was not accepted" in sent.reason
    assert endpoint.requests == []


def test_the_environment_cannot_replace_a_private_authority(
    api, ask, authority, tmp_path_factory, monkeypatch
):
    from tests.host_agent.certificates import Authority

    other = Authority(tmp_path_factory.mktemp("other"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other.pem))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(other.pem))
    endpoint = api(tls=authority.server())
    assert ask(endpoint.base, ca=authority.pem)("check_access", "john").allowed
    assert len(endpoint.requests) == 1
