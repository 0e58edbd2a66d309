"""One set of trusted certificates for all clients.

boto3, requests (PyGithub) and Slack's SDK each read other variables, and the first two do not see the
system's store (botocore `httpsession.get_cert_path`, requests `merge_environment_settings`, OpenSSL's
SSL_CERT_FILE). So what any of them is told to trust becomes one file, and each is told of that file.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Container, Iterable, Iterator, Mapping

READ_BY_CLIENTS = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
NAMES = (*READ_BY_CLIENTS, "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "PIP_CERT")
PROFILE = "ca_bundle of the AWS profile"
HOST_STORE = "host-certificates.pem"
"""Where the launcher leaves a copy of the host's store for a container, in the state folder."""
SYSTEM_STORES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Of Debian, Fedora and its kin, older ones, SUSE, Alpine and macOS (Go's crypto/x509 looks there too)."""
_FILES_MAX, _BYTES_MAX = 2000, 8_000_000
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\s.*?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class TrustSet:
    """`bundle`: PEM, empty where the clients' own defaults are the same set. `named`: what was read, as
    `VARIABLE: path`. `problems`: sentences for people, one for each name that is of no use."""

    bundle: bytes = b""
    named: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@cache
def established() -> TrustSet:
    """Lets every client of this process trust the same certificates. The environment is changed once, so this
    is called before there are threads; later calls return what was found then."""
    state = os.environ.get("DEPLOY_COORDINATOR_STATE", "")
    found = trust_set(os.environ, host_store=Path(state) / HOST_STORE if state else None)
    if found.bundle:
        try:
            path = _write(found.bundle, state)
        except OSError as error:
            problem = (
                f"The trusted certificates could not be put together ({error}), so each client reads its own."
            )
            return TrustSet(named=found.named, problems=(*found.problems, problem))
        os.environ.update(dict.fromkeys(READ_BY_CLIENTS, path))
    return found


def without_strict_form(context: ssl.SSLContext) -> ssl.SSLContext:
    """The same context, for which an authority counts by its key and not by the form of its extensions.

    Since Python 3.13 the standard library and urllib3 refuse authorities without an authority key identifier,
    or whose basic constraints are not critical, which those of TLS inspection often are (urllib3 issue 5110,
    CPython issue 138193). boto3, curl and Node take them, and so do all clients here.
    """
    import ssl

    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def trust_set(environ: Mapping[str, str], *, host_store: Path | None = None) -> TrustSet:
    """The default of boto3 and requests, the system's store, and all that the job names beside them."""
    import certifi

    known: dict[bytes, None] = dict.fromkeys(_certificates(Path(certifi.where())))
    defaults = len(known)
    for path in _system_stores(host_store):
        with suppress(OSError):
            known.update(dict.fromkeys(_certificates(path)))
    named, problems = [], []
    for name, text in _named(environ):
        try:
            known.update(dict.fromkeys(_usable(Path(text), known)))
            named.append(f"{name}: {text}")
        except (OSError, ValueError) as error:
            problems.append(
                f"{name} names {text}, {_reason(error)}. Its certificates are not trusted. "
                "Correct the variable or the file."
            )
    names_a_file = any(environ.get(name) for name in NAMES)
    bundle = b"\n".join(known) + b"\n" if len(known) > defaults or names_a_file else b""
    return TrustSet(bundle, tuple(named), tuple(problems))


def _named(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    import ssl

    system = ssl.get_default_verify_paths().openssl_capath
    found: dict[str, str] = {}
    for name in NAMES:
        texts = environ.get(name, "").split(os.pathsep) if name == "SSL_CERT_DIR" else [environ.get(name, "")]
        for text in filter(None, texts):
            # The same as the system's file, in hundreds of them.
            if not (name == "SSL_CERT_DIR" and os.path.realpath(text) == os.path.realpath(system)):
                found.setdefault(text, name)
    if text := _of_profile(environ):
        found.setdefault(text, PROFILE)
    return ((name, text) for text, name in found.items())


def _of_profile(environ: Mapping[str, str]) -> str:
    """As botocore finds it, without importing botocore. A file that cannot be read is botocore's to tell."""
    import configparser

    profile = environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE") or "default"
    home = environ.get("HOME") or environ.get("USERPROFILE") or ""
    path = environ.get("AWS_CONFIG_FILE") or (str(Path(home) / ".aws" / "config") if home else "")
    parser = configparser.RawConfigParser(strict=False, default_section="\0")
    with suppress(OSError, ValueError, configparser.Error):
        parser.read_string(Path(path).expanduser().read_text("utf-8"))
    for section in (f"profile {profile}", f'profile "{profile}"', profile):
        if parser.has_option(section, "ca_bundle"):
            return parser.get(section, "ca_bundle").strip()
    return ""


def _system_stores(host_store: Path | None) -> Iterator[Path]:
    import ssl

    if host_store is not None:
        yield host_store
    # Not `cafile`, which is what SSL_CERT_FILE names.
    yield Path(ssl.get_default_verify_paths().openssl_cafile)
    for path in map(Path, SYSTEM_STORES):
        if path.is_file():
            yield path
            return


def _usable(path: Path, known: Container[bytes]) -> list[bytes]:
    """The certificates of a named file or folder without those that OpenSSL does not read: a damaged one
    would make the whole bundle useless. Raises OSError, ValueError."""
    found = list(_certificates(path))
    new = [certificate for certificate in found if certificate not in known]
    if _loads(b"\n".join(new)):
        usable = found
    else:
        usable = [certificate for certificate in found if certificate in known or _loads(certificate)]
    if not usable:
        raise ValueError(
            f"which holds {'only damaged certificates' if found else 'no certificate in PEM form'}"
        )
    return usable


def _loads(certificates: bytes) -> bool:
    import ssl

    try:
        if certificates:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=certificates.decode("ascii"))
    except (ssl.SSLError, ValueError):
        return False
    return True


def _certificates(path: Path) -> Iterable[bytes]:
    if path.is_dir():
        files = sorted(entry for entry in path.iterdir() if entry.is_file())[:_FILES_MAX]
        return [certificate for file in files for certificate in _blocks(file)]
    return _blocks(path)


def _blocks(path: Path) -> list[bytes]:
    with path.open("rb") as file:
        content = file.read(_BYTES_MAX)
    return [b"\n".join(line.strip() for line in block.splitlines()) for block in _PEM.findall(content)]


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "which does not exist"
    if isinstance(error, OSError):
        return f"which cannot be read ({error.strerror or type(error).__name__})"
    return str(error)


def _write(bundle: bytes, state: str) -> str:
    """In the state folder, else in a folder that goes with this process. Raises OSError."""
    import atexit
    import shutil
    import tempfile

    if state and Path(state).is_dir():
        folder = Path(state)
    else:
        folder = Path(tempfile.mkdtemp(prefix="deploy-coordinator-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "trusted-certificates.pem"
    new = folder / f"trusted-certificates.{os.getpid()}"
    new.write_bytes(bundle)
    new.replace(path)
    return str(path)
