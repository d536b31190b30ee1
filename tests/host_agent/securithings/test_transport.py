"""Transport errors become libcurl's numbers; no server holds a worker beyond the deadline."""

import socket
import ssl
import struct
import time

import pytest

from tests.certificates import Authority
from tests.host_agent.endpoint import BEGINNINGS, GIVEN_UP_S
from tools.server_process import free_port

SHORT = (0.3, 0.3)


def test_6_for_a_name_that_does_not_resolve(outcome):
    assert outcome("http://securithings.invalid/").statuscode == 6


def test_6_for_a_host_that_cannot_be_a_name(outcome):
    assert outcome("http://a..b/").statuscode == 6


def test_7_when_nobody_listens(outcome):
    response = outcome(f"http://127.0.0.1:{free_port()}/")
    assert response.statuscode == 7
    assert "refused" in response.body
    assert response.headers == {}


def test_28_when_no_answer_comes(serve, outcome):
    endpoint = serve(lambda _connection: endpoint.released.wait())
    begin = time.monotonic()
    assert outcome(endpoint.url, timeout=SHORT).statuscode == 28
    assert time.monotonic() - begin < GIVEN_UP_S


@pytest.mark.parametrize("start", BEGINNINGS.values(), ids=BEGINNINGS)
def test_28_when_the_answer_drips(start, serve, outcome):
    endpoint = serve()
    endpoint.drip_after(start)
    begin = time.monotonic()
    assert outcome(endpoint.url, timeout=SHORT).statuscode == 28
    assert time.monotonic() - begin < GIVEN_UP_S


def test_35_when_the_tls_handshake_fails(serve, outcome):
    without_certificate = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    assert outcome(serve(tls=without_certificate).url).statuscode == 35


def test_56_when_the_server_resets_the_connection(serve, outcome):
    def reset(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RD)
        connection.close()

    assert outcome(serve(reset).url).statuscode == 56


def test_56_when_the_answer_is_cut_short(serve, outcome):
    def cut(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        connection.shutdown(socket.SHUT_RDWR)

    assert outcome(serve(cut).url).statuscode == 56


def test_60_for_an_unknown_authority(serve, outcome, tmp_path):
    endpoint = serve(tls=Authority(tmp_path).server())
    response = outcome(endpoint.url)
    assert response.statuscode == 60
    assert "unable to get local issuer certificate" in response.body
    assert endpoint.requests == []


def test_60_for_the_certificate_of_another_host(serve, outcome, tmp_path, monkeypatch):
    authority = Authority(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.pem))
    endpoint = serve(tls=authority.server("127.0.0.2"))
    assert outcome(endpoint.url).statuscode == 60
    assert endpoint.requests == []


def test_a_trusted_certificate_is_accepted(serve, outcome, tmp_path, monkeypatch):
    authority = Authority(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.pem))
    assert outcome(serve(tls=authority.server()).url).statuscode == 201


def test_a_huge_answer_is_cut(serve, outcome):
    def flood(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000)

    assert len(outcome(serve(flood).url).body) == 1024 * 1024
