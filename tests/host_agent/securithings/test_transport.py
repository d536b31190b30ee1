"""Transport errors become libcurl's numbers; no server holds a worker beyond the deadline."""

import datetime
import ipaddress
import socket
import ssl
import struct

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

SHORT = (0.3, 0.3)


def test_6_for_a_name_that_does_not_resolve(outcome):
    assert outcome("http://securithings.invalid/").statuscode == 6


def test_6_for_a_host_that_cannot_be_a_name(outcome):
    assert outcome("http://a..b/").statuscode == 6


def test_7_when_nobody_listens(outcome):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    response = outcome(f"http://127.0.0.1:{port}/")
    assert response.statuscode == 7
    assert "refused" in response.body
    assert response.headers == {}


def test_28_when_no_answer_comes(serve, outcome):
    endpoint = serve(lambda _connection: endpoint.released.wait())
    assert outcome(endpoint.url, timeout=SHORT).statuscode == 28


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
def test_28_when_the_answer_drips(start, serve, outcome):
    def drip(connection):
        connection.sendall(start)
        while not endpoint.released.wait(0.05):
            connection.sendall(b"x")

    endpoint = serve(drip)
    assert outcome(endpoint.url, timeout=SHORT).statuscode == 28


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


def test_60_for_a_self_signed_certificate(serve, outcome, certificate):
    endpoint = serve(tls=server_context(certificate(address="127.0.0.1")))
    response = outcome(endpoint.url)
    assert response.statuscode == 60
    assert "self-signed" in response.body
    assert endpoint.requests == []


def test_60_for_the_certificate_of_another_host(serve, outcome, certificate, monkeypatch):
    pem = certificate(address="127.0.0.2")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pem))
    endpoint = serve(tls=server_context(pem))
    assert outcome(endpoint.url).statuscode == 60
    assert endpoint.requests == []


def test_a_trusted_certificate_is_accepted(serve, outcome, certificate, monkeypatch):
    pem = certificate(address="127.0.0.1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pem))
    assert outcome(serve(tls=server_context(pem)).url).statuscode == 201


def test_a_huge_answer_is_cut(serve, outcome):
    def flood(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000)

    assert len(outcome(serve(flood).url).body) == 1024 * 1024


def server_context(pem):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@pytest.fixture
def certificate(tmp_path):
    """certificate(address) writes a self-signed certificate and its key into one PEM file."""

    def make(address):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
        now = datetime.datetime.now(datetime.UTC)
        host = x509.IPAddress(ipaddress.ip_address(address))
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([host]), critical=False)
            .sign(key, hashes.SHA256())
        )
        pem = tmp_path / f"{address}.pem"
        pem.write_bytes(
            made.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return pem

    return make
