"""A company's own certificate authority, and a server's certificate from it."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    import socket
    from pathlib import Path


class Authority:
    """`file` holds its certificate, `server_files` that of localhost and its key.

    As those of TLS inspection often are: without key identifiers, and with basic constraints that are not
    critical.
    """

    def __init__(self, folder: Path) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign("Company CA", self.key, authority=True)
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM)
        self.file = folder / "company.pem"
        self.file.write_bytes(self.pem)
        key = ec.generate_private_key(ec.SECP256R1())
        self.server_files = folder / "server.pem", folder / "server.key"
        self.server_files[0].write_bytes(
            self._sign("localhost", key, authority=False).public_bytes(serialization.Encoding.PEM)
        )
        self.server_files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )

    def _sign(self, name: str, key: ec.EllipticCurvePrivateKey, *, authority: bool) -> x509.Certificate:
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Company CA")])
        names = [x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))]
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self.key, hashes.SHA256())
        )

    def served(self, listening: socket.socket) -> socket.socket:
        """The same socket, for TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.server_files)
        return context.wrap_socket(listening, server_side=True)
