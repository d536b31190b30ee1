"""Certificates for TLS tests, made anew: an authority, and servers that it vouches for."""

import datetime
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_DAY = datetime.timedelta(days=1)
_VALID_DAYS = 60


class Authority:
    """Signs certificates. `pem` is the file that a client needs to trust them, `der` its bytes as
    DER."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._issued = 0
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        made = (
            _builder("test authority", self._key, -30)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.der = made.public_bytes(serialization.Encoding.DER)
        self.pem = directory / "authority.pem"
        self.pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def certificate(self, host: str = "127.0.0.1", *, valid_from_days: int = -30) -> Path:
        """A PEM file with a server's certificate, valid for 60 days from then on, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        name: x509.GeneralName = x509.DNSName(host)
        if host[0].isdigit():
            name = x509.IPAddress(ipaddress.ip_address(host))
        made = (
            _builder(host, key, valid_from_days)
            .add_extension(x509.SubjectAlternativeName([name]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self._issued += 1
        pem = self._directory / f"server-{self._issued}.pem"
        pem.write_bytes(
            made.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return pem

    def server(self, host: str = "127.0.0.1", *, valid_from_days: int = -30) -> ssl.SSLContext:
        """The context of a server with such a certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate(host, valid_from_days=valid_from_days))
        return context


def _builder(
    subject: str, key: ec.EllipticCurvePrivateKey, valid_from_days: int
) -> x509.CertificateBuilder:
    start = datetime.datetime.now(datetime.UTC) + valid_from_days * _DAY
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name("test authority"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + _VALID_DAYS * _DAY)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])
