"""However the network or the server fails: ERROR with a reason, in time, and nothing raised."""

import gzip
import socket
import threading
import time

import pytest

from host_agent.guardiankey import GuardianKey, Response
from tests.host_agent.endpoint import BEGINNINGS, GIVEN_UP_S

SHORT = (0.5, 0.5)


@pytest.mark.parametrize("start", BEGINNINGS.values(), ids=BEGINNINGS)
def test_a_dripping_server_holds_nobody(start, serve, ask):
    endpoint = serve()
    endpoint.drip_after(start)
    begin = time.monotonic()
    verdict = ask(endpoint.base, timeout=SHORT)("check_access", "john")
    assert time.monotonic() - begin < GIVEN_UP_S
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
    assert time.monotonic() - begin < GIVEN_UP_S
    assert (verdict.response, verdict.retry) == (Response.ERROR, True)


def test_a_resolver_that_hangs_holds_nobody(ask, monkeypatch):
    released = threading.Event()

    def hang(*_arguments, **_named):
        released.wait(60)
        raise socket.gaierror("no name")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    # a loop ends only when its look-ups have
    client = ask("https://guardiankey.invalid", after=released.set, timeout=SHORT)
    begin = time.monotonic()
    verdict = client("check_access", "john")
    assert time.monotonic() - begin < GIVEN_UP_S
    assert verdict.reason == "no answer from GuardianKey in time"


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
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n",
        b"\x1b[2Jnonsense" * 4_000 + b"\r\n\r\n",
    ],
    ids=[
        *("nothing", "text", "cut", "length", "status", "headers", "gzip", "chunks"),
        *("negative chunk", "long text"),
    ],
)
def test_an_answer_that_is_no_http(answer, serve, ask):
    def send(connection):
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_RDWR)

    verdict = ask(serve(send).base)("check_access", "john")
    assert verdict.response is Response.ERROR
    assert "unforeseen" not in verdict.reason
    assert verdict.reason.isprintable()
    assert 0 < len(verdict.reason) < 400


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


@pytest.mark.parametrize("target", [b"/", b"http://[::1", b"\xff\xfe", b""])
def test_the_body_of_a_redirect_is_not_read(target, serve, ask):
    def send(connection):
        connection.sendall(b"HTTP/1.1 302 X\r\nLocation: " + target + b"\r\n\r\n")
        while not endpoint.released.is_set():
            connection.sendall(b" " * 65536)
            sent.append(65536)

    sent = []
    endpoint = serve(send)
    verdict = ask(endpoint.base)("check_access", "john")
    assert verdict.reason == "GuardianKey answered HTTP status 302"
    assert sum(sent) < 50_000_000


def test_no_cookie_is_kept(serve, account):
    body = b'{"response": "ACCEPT"}'
    head = f"HTTP/1.1 200 X\r\nSet-Cookie: a={'b' * 4000}\r\nContent-Length: {len(body)}\r\n\r\n"
    endpoint = serve(lambda connection: connection.sendall(head.encode() + body))
    with GuardianKey(account, endpoint.base) as client:
        for _ in range(2):
            assert client.check_access("john").response is Response.ACCEPT
    assert all(b"cookie" not in request.lower() for request in endpoint.requests)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_this_machine_is_asked_without_a_proxy(variable, serve, api, ask, monkeypatch):
    proxy, endpoint = serve(), api()
    monkeypatch.setenv(variable, proxy.base)
    assert ask(endpoint.base)("check_access", "john").response is Response.ACCEPT
    assert proxy.requests == []


@pytest.mark.parametrize(
    ("body", "response"),
    [
        (b'{"response": "BLOCK", "message": "S\xe3o Paulo"}', Response.BLOCK),
        ('{"response": "BLOCK"}'.encode("utf-16"), Response.ERROR),
    ],
    ids=["Latin-1", "UTF-16"],
)
def test_both_clients_read_another_character_set_alike(body, response, api, ask):
    assert ask(api(body).base)("check_access", "john").response is response


def test_a_trusted_certificate_is_accepted(api, ask, authority):
    endpoint = api(tls=authority.server())
    verdict = ask(endpoint.base, ca=authority.pem)("check_access", "john")
    assert verdict.response is Response.ACCEPT


@pytest.mark.parametrize(
    ("certificate", "trusted"),
    [({}, False), ({"valid_from_days": -90}, True), ({"host": "127.0.0.2"}, True)],
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
    from tests.certificates import Authority

    other = Authority(tmp_path_factory.mktemp("other"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other.pem))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(other.pem))
    endpoint = api(tls=authority.server())
    assert ask(endpoint.base, ca=authority.pem)("check_access", "john").allowed
    assert len(endpoint.requests) == 1
