"""How requests travel: over kept-alive connections, straight to the endpoint, TLS verified."""

import asyncio
import datetime
import ipaddress
import ssl

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tools import sandbox as sandboxes


@pytest.fixture
def self_signed(tmp_path) -> ssl.SSLContext:
    """A server's side of TLS with a certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context


def test_a_certificate_that_cannot_be_verified_gets_no_event(
    store, press, delivering, until, cloud, self_signed
):
    async def scenario():
        async with (
            cloud(lambda _: web.Response(status=201), ssl_context=self_signed) as endpoint,
            delivering(endpoint.url),
        ):
            await press("door", 1)
            await until(lambda: store.pending("door", 0, 1)[0].attempts)
            return endpoint.bodies

    assert asyncio.run(scenario()) == []
    assert "certificate" in store.events()[0].reason


def test_proxies_and_netrc_of_the_environment_do_not_matter(
    store, press, delivering, until, tmp_path, monkeypatch
):
    """A proxy would see every event, and .netrc would replace the credentials."""
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    async def scenario():
        async with sandboxes.running() as sandbox, delivering(sandbox.url):
            await press("door", 1)
            await until(lambda: store.stats().delivered)

    asyncio.run(scenario())


def test_a_connection_is_used_again(store, press, delivering, until, cloud):
    async def scenario():
        async with (
            cloud(lambda _: web.json_response({"status": "accepted"})) as endpoint,
            delivering(endpoint.url),
        ):
            await press("door", *range(1, 21))
            await until(lambda: store.stats().delivered == 20)
            return endpoint.connections

    assert len(asyncio.run(scenario())) == 1


def test_an_endless_answer_is_not_read_to_its_end(store, press, delivering, until, cloud):
    """The status has told everything; the connection is dropped instead."""

    async def scenario():
        async with (
            cloud(lambda _: web.Response(status=200, body=b"x" * 5_000_000)) as endpoint,
            delivering(endpoint.url),
        ):
            await press("door", 1, 2)
            await until(lambda: store.stats().delivered == 2)
            return endpoint.connections

    assert len(asyncio.run(scenario())) == 2
