"""A company's HTTP proxy: tunnels by CONNECT, and can refuse, want a password, hang, answer with a page of
its own, or look into TLS with a certificate authority of its own."""

from __future__ import annotations

import contextlib
import datetime as dt
import select
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

PAGE = b"<html><head><title>Blocked</title></head><body>Blocked by policy: category new sites</body></html>"

TROUBLE = ("another name", "short key", "old cipher", "wants a certificate")

NO_BODY = "Connection: close\r\nContent-Length: 0\r\n\r\n"


class ConnectProxy:
    """Listens on a free port of 127.0.0.1. `mode`: good, 403, 407, 503, hangs, page, intercept, or one of
    TROUBLE, which intercepts and is no good at it.

    `upstream`: where every tunnel leads, whatever host was asked for. `asked`: the targets of CONNECT, as
    `HOST:PORT`. With `intercept`, TLS ends here with a certificate of `ca_file`'s authority for the host that
    was asked for, and what is inside goes on in clear.
    """

    def __init__(self, upstream: tuple[str, int], folder: Path, mode: str = "good") -> None:
        self.mode = mode
        self.hang_seconds: float | None = None
        """Then the connection ends without an answer; None: never."""
        self.asked: list[str] = []
        self.ca_file = folder / "company-ca.pem"
        self._folder = folder
        self._upstream = upstream
        self._authority = _Authority(self.ca_file)
        self._stopping = threading.Event()
        self._open: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))

    @property
    def address(self) -> str:
        return f"http://user:geheim@127.0.0.1:{self._server.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        for connection in (self._server, *self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            target = self._head(connection).split()[1].decode()
            self.asked.append(target)
            if self.mode in {"403", "407", "503"}:
                words = {
                    "403": "Forbidden",
                    "407": "Proxy Authentication Required",
                    "503": "Service Unavailable",
                }[self.mode]
                connection.sendall(f"HTTP/1.1 {self.mode} {words}\r\n{NO_BODY}".encode())
                return
            if self.mode == "hangs":
                self._stopping.wait(self.hang_seconds)
                return
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            if self.mode == "page":
                connection.recv(1)
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n\r\n" + PAGE)
                return
            if self.mode in {"intercept", *TROUBLE}:
                host = "other.example" if self.mode == "another name" else target.partition(":")[0]
                context = self._authority.context(host, self._folder, short=self.mode == "short key")
                if self.mode == "old cipher":
                    context.set_ciphers("AES128-SHA")
                    context.maximum_version = ssl.TLSVersion.TLSv1_2
                if self.mode == "wants a certificate":
                    context.verify_mode = ssl.CERT_REQUIRED
                    context.load_verify_locations(self.ca_file)
                connection = context.wrap_socket(connection, server_side=True)
            self._relay(connection)

    def _head(self, connection: socket.socket) -> bytes:
        head = b""
        while b"\r\n\r\n" not in head:
            more = connection.recv(4096)
            if not more:
                raise OSError("gone")
            head += more
        return head

    def _relay(self, connection: socket.socket) -> None:
        with socket.create_connection(self._upstream) as upstream:
            self._open.append(upstream)
            while not self._stopping.is_set():
                waiting = isinstance(connection, ssl.SSLSocket) and connection.pending()
                ready = [connection] if waiting else select.select([connection, upstream], [], [], 0.2)[0]
                for source, target in ((connection, upstream), (upstream, connection)):
                    if source in ready:
                        data = source.recv(65536)
                        if not data:
                            return
                        target.sendall(data)


class _Authority:
    """A company's own certificate authority, and certificates of hosts by it."""

    def __init__(self, path: Path) -> None:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        self._key = ec.generate_private_key(ec.SECP256R1())
        self._lock = threading.Lock()
        self.certificate = self._signed("Company CA", self._key.public_key(), authority=True)
        path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def context(self, host: str, folder: Path, *, short: bool = False) -> ssl.SSLContext:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec, rsa

        key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = ec.generate_private_key(ec.SECP256R1())
        if short:
            key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
        certificate = self._signed(host, key.public_key(), authority=False)
        with self._lock:
            path = folder / "host.pem"
            path.write_bytes(
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
                + certificate.public_bytes(serialization.Encoding.PEM)
            )
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            if short:
                context.set_ciphers("DEFAULT:@SECLEVEL=0")
            context.load_cert_chain(path)
        return context

    def _signed(self, name: str, public_key: object, *, authority: bool):  # type: ignore[no-untyped-def]
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.x509.oid import NameOID

        names = [x509.DNSName(name.replace(" ", "-"))]
        now = dt.datetime.now(dt.UTC)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = subject if authority else self.certificate.subject
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public_key)  # type: ignore[arg-type]
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self._key, hashes.SHA256())
        )
