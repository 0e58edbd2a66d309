"""The kind of fault of an exception: by one table of its type's names and its words, along its whole chain.

Types are known by name, so that no SDK is imported. What no row knows is not temporary for that reason: the
caller decides by the answer that it got.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

CHAIN_MAX = 20
METADATA_HOST = "169.254.169.254"


class FaultClass(Enum):
    CONFIGURATION = "configuration"
    """Lasts until somebody changes this machine's or job's settings."""
    CREDENTIALS = "credentials"
    """There are none, or they are not accepted."""
    TEMPORARY = "temporary"
    """The same request may succeed in a moment."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Fault:
    """`what`: a sentence without its full stop, with `{proxy}` and the words found in `{words}`."""

    kind: FaultClass
    what: str = ""
    remedy: str = ""


_CA_REMEDY = (
    "Name the file with your company's certificate authority in REQUESTS_CA_BUNDLE, AWS_CA_BUNDLE or "
    "SSL_CERT_FILE (docs/enterprise.md)."
)
_PROXY_REMEDY = (
    "Ask for the host to be allowed on the proxy, or name it in NO_PROXY if it is reached directly "
    "(docs/enterprise.md)."
)
_NAME_REMEDY = (
    "Look at the address that was set, at the proxy, and at what the name service says of the host."
)
_TLS_REMEDY = (
    "Have that server, or the proxy that looks into TLS, offer TLS 1.2 with secure renegotiation and a "
    "certificate with a key of 2048 bits; or name the host in NO_PROXY if it is reached directly."
)
_PASSWORD_REMEDY = "Put user and password into HTTPS_PROXY (http://USER:PASSWORD@HOST:PORT), from a secret."  # noqa: S105 - a form
_SCHEME_REMEDY = "Use an `http://` proxy in HTTPS_PROXY and ALL_PROXY, or unset them; SOCKS is not supported."
_AWS_REMEDY = "Correct the AWS profile, file or variable that the message names."
_SIGN_IN_REMEDY = (
    "Sign in again (aws sso login), or run aws-actions/configure-aws-credentials before this step."
)

_C, _T = FaultClass.CONFIGURATION, FaultClass.TEMPORARY

NETWORK_WORDS: tuple[tuple[str, Fault], ...] = (
    (
        r"Tunnel connection failed: (?P<words>407.*)",
        Fault(_C, "the proxy {proxy} wants a user and a password ({words})", _PASSWORD_REMEDY),
    ),
    (r"Tunnel connection failed: (408|425|429|5\d\d)", Fault(_T)),
    (
        r"Tunnel connection failed: (?P<words>\d\d\d.*)",
        Fault(_C, "the proxy {proxy} refuses the connection ({words})", _PROXY_REMEDY),
    ),
    (
        r"certificate verify failed: (?P<words>certificate (has expired|is not yet valid))",
        Fault(_C, "its certificate is not valid: {words}", "Look at this machine's clock and at the server."),
    ),
    (
        r"Hostname mismatch|IP address mismatch|hostname '[^']*' doesn't match|certificate is not valid for",
        Fault(
            _C,
            "its certificate is another server's: the proxy {proxy} or another address answers",
            _NAME_REMEDY,
        ),
    ),
    (
        (
            r"(?P<words>(CA|EE) certificate key too weak|CA signature digest algorithm too weak"
            r"|(EE|CA|DH)_KEY_TOO_SMALL|CA_MD_TOO_WEAK)"
        ),
        Fault(_C, "its certificate is too weak to be trusted: {words}", _TLS_REMEDY),
    ),
    (
        (
            r"(?P<words>UNSAFE_LEGACY_RENEGOTIATION_DISABLED|(TLSV1_ALERT|UNSUPPORTED)_PROTOCOL(_VERSION)?"
            r"|NO_PROTOCOLS_AVAILABLE|NO_SHARED_CIPHER|SSLV3_ALERT_HANDSHAKE_FAILURE"
            r"|TLSV1_ALERT_INSUFFICIENT_SECURITY)"
        ),
        Fault(_C, "it offers no TLS that is safe: {words}", _TLS_REMEDY),
    ),
    (
        r"(?P<words>TLSV13_ALERT_CERTIFICATE_REQUIRED)",
        Fault(_C, "it wants a client certificate, and there is none ({words})", _PROXY_REMEDY),
    ),
    (
        r"certificate verify failed: (?P<words>[^(\n]+)",
        Fault(_C, "its certificate is not trusted here: {words}", _CA_REMEDY),
    ),
    (r"CERTIFICATE_VERIFY_FAILED", Fault(_C, "its certificate is not trusted here", _CA_REMEDY)),
    (
        (
            r"(?P<words>(Could not find a suitable TLS CA certificate bundle|NO_CERTIFICATE_OR_CRL_FOUND"
            r"|invalid path: |SSL validation failed[^\n]*No such file).*)"
        ),
        Fault(_C, "the file of trusted certificates cannot be used: {words}", _CA_REMEDY),
    ),
    (
        r"WRONG_VERSION_NUMBER|HTTP_REQUEST|appears to only use HTTP",
        Fault(_C, "the proxy {proxy} answers with a page of its own where TLS is expected", _PROXY_REMEDY),
    ),
    (
        (
            r"(?P<words>Missing dependencies for SOCKS support|Unable to determine SOCKS version"
            r"|Not supported proxy scheme|Proxy URL had unsupported scheme|Unsupported proxy scheme).*"
        ),
        Fault(_C, "the proxy {proxy} has a scheme that cannot be used: {words}", _SCHEME_REMEDY),
    ),
    (
        r"proxy URL: .?http://(?P<words>[a-z0-9]+)://",
        Fault(_C, "the proxy {proxy} has a scheme that cannot be used: {words}", _SCHEME_REMEDY),
    ),
)
WORDS = (
    *NETWORK_WORDS,
    (
        r"(?P<words>Invalid endpoint: .*)",
        Fault(_C, "{words}", "Correct AWS_ENDPOINT_URL, or the endpoint in the AWS profile."),
    ),
    (
        r"(?P<words>invalid literal for int\(\) .*)",
        Fault(_C, "a setting that has to be a number is none: {words}", "Correct AWS_MAX_ATTEMPTS."),
    ),
)

TYPES: dict[str, Fault] = {
    **dict.fromkeys(
        (
            *("ProxySchemeUnknown", "ProxySchemeUnsupported", "InvalidProxyURL", "InvalidProxiesConfigError"),
            *("InvalidSchema", "MissingSchema"),
        ),
        Fault(_C, "the proxy {proxy} or the address cannot be used: {words}", _SCHEME_REMEDY),
    ),
    **dict.fromkeys(
        (
            *("SSOTokenLoadError", "UnauthorizedSSOTokenError", "SSOError", "NoAuthTokenError"),
            *("PendingAuthorizationExpiredError", "TokenRetrievalError", "LoginRefreshRequired"),
            *("LoginTokenLoadError", "LoginError"),
        ),
        Fault(_C, "nobody is signed in: {words}", _SIGN_IN_REMEDY),
    ),
    **dict.fromkeys(
        (
            *("ProfileNotFound", "InvalidConfigError", "ConfigParseError", "ConfigNotFound"),
            *("InfiniteLoopConfigError", "PartialCredentialsError", "RefreshWithMFAUnsupportedError"),
            *("InvalidRegionError", "InvalidRetryConfigurationError", "InvalidRetryModeError"),
            *("InvalidMaxRetryAttemptsError", "NoRegionError", "UnknownCredentialError"),
            *(
                "UnsupportedTLSVersionWarning",
                "InvalidDefaultsMode",
                "InvalidSTSRegionalEndpointsConfigError",
            ),
            *("EndpointProviderError", "UnknownEndpointError", "InvalidEndpointConfigurationError"),
        ),
        Fault(_C, "the AWS settings of this job are wrong: {words}", _AWS_REMEDY),
    ),
    **dict.fromkeys(
        ("ParamValidationError", "UnknownParameterError", "MissingParametersError"),
        Fault(
            _C, "a value that was given cannot be sent: {words}", "Correct the value that the message names."
        ),
    ),
    "NoCredentialsError": Fault(FaultClass.CREDENTIALS),
    **dict.fromkeys(
        (
            *("ConnectTimeout", "ConnectTimeoutError", "ReadTimeout", "ReadTimeoutError", "TimeoutError"),
            *("EndpointConnectionError", "ConnectionClosedError", "ConnectionResetError", "timeout"),
            *("ConnectionRefusedError", "ConnectionAbortedError", "BrokenPipeError", "RemoteDisconnected"),
            *("ProtocolError", "IncompleteRead", "ChunkedEncodingError", "NewConnectionError", "gaierror"),
            *("NameResolutionError", "SSLEOFError", "SSLZeroReturnError", "ResponseStreamingError"),
            *("MetadataRetrievalError",),
        ),
        Fault(_T),
    ),
    "CredentialRetrievalError": Fault(
        _C, "the credentials that the profile names cannot be had: {words}", _AWS_REMEDY
    ),
    **dict.fromkeys(
        ("FileNotFoundError", "PermissionError", "IsADirectoryError", "NotADirectoryError"),
        Fault(_C, "a file or program that the settings name cannot be used: {words}", _AWS_REMEDY),
    ),
    **dict.fromkeys(
        ("JSONDecodeError",),
        Fault(_C, "what `credential_process` or a token file gives is no JSON: {words}", _AWS_REMEDY),
    ),
}
"""In this order: what says more stands first."""


def fault_of(error: BaseException, *, url: str = "", environ: Mapping[str, str] | None = None) -> Fault:
    """Class, sentence and remedy. `url`: what was asked, for the name of the proxy; `environ`: its variables.

    A word that is known decides before any type; of types, the first row of the table that is in the chain.
    """
    chain = tuple(chain_of(error))
    proxy = proxy_for(url, environ or {}) or "between here and there"
    if fault := _by_words(WORDS, chain, proxy):
        return fault
    for name, fault in TYPES.items():
        for link in chain:
            if type(link).__name__ == name:
                return _told(fault, str(link), proxy)
    return Fault(FaultClass.UNKNOWN)


def network_fault_of(error: BaseException, *, url: str, environ: Mapping[str, str]) -> Fault:
    """Of proxies and certificates only. Its sentence holds nothing of the address that was asked: it may be
    a secret."""
    proxy = proxy_for(url, environ) or "between here and there"
    return _by_words(NETWORK_WORDS, tuple(chain_of(error)), proxy) or Fault(FaultClass.UNKNOWN)


def _by_words(table: Iterable[tuple[str, Fault]], chain: Sequence[BaseException], proxy: str) -> Fault | None:
    for pattern, fault in table:
        for link in chain:
            if match := re.search(pattern, str(link)):
                words = match.groupdict().get("words") or match[0]
                return _told(fault, words, proxy)
    return None


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it came from, each once: `from`, context, urllib3's `reason`, `original_error`,
    botocore's `error` and errors among the arguments."""
    waiting = [error]
    seen: set[int] = set()
    while waiting and len(seen) < CHAIN_MAX:
        link = waiting.pop(0)
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        kwargs = getattr(link, "kwargs", None)
        inner = (
            link.__cause__,
            link.__context__,
            getattr(link, "reason", None),
            getattr(link, "original_error", None),
            kwargs.get("error") if isinstance(kwargs, dict) else None,
            *link.args,
        )
        waiting += [one for one in inner if isinstance(one, BaseException)]


def proxy_for(url: str, environ: Mapping[str, str]) -> str:
    """The proxy that the environment names for the address, without user and password; empty for none, and
    where NO_PROXY spares its host."""
    scheme = urlsplit(url).scheme or "https"
    if _is_spared(urlsplit(url).hostname or "", environ):
        return ""
    for name in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY"):
        if text := environ.get(name, ""):
            return without_password(text)
    return ""


def through_proxy(url: str, environ: Mapping[str, str]) -> str:
    """For a sentence about an address that gave no answer; empty where no proxy stands before it."""
    proxy = proxy_for(url, environ) if url else ""
    return f" through the proxy {proxy}" if proxy else ""


def _is_spared(host: str, environ: Mapping[str, str]) -> bool:
    """A name of NO_PROXY stands for itself and all below it."""
    names = {
        name.strip().lstrip(".").partition(":")[0].lower()
        for variable in ("no_proxy", "NO_PROXY")
        for name in environ.get(variable, "").split(",")
    } - {""}
    return bool(host) and ("*" in names or any(f".{host}".endswith(f".{name}") for name in names))


def of_metadata(environ: Mapping[str, str]) -> str:
    """The remedy where there are no credentials: a proxy cannot reach EC2's metadata service, which answers
    the machine itself only. Empty where no proxy stands before it.

    botocore asks it by `http://` and honours HTTP_PROXY and NO_PROXY.
    """
    known = {name: text for name, text in environ.items() if name.lower() != "all_proxy"}
    proxy = proxy_for(f"http://{METADATA_HOST}", known)
    if not proxy or environ.get("AWS_EC2_METADATA_DISABLED") == "true":
        return ""
    return (
        f". EC2's metadata service is asked through the proxy {proxy}, which cannot reach it: "
        f"add it to NO_PROXY={METADATA_HOST} if the credentials come from there"
    )


def without_password(address: str) -> str:
    """An address as it may be shown."""
    scheme, separator, rest = address.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _told(fault: Fault, words: str, proxy: str) -> Fault:
    shown = re.sub(r"//[^/@\s]+@", "//", " ".join(words.split()))[:300].rstrip(".'\")>")
    what = fault.what.replace("{proxy}", proxy).replace("{words}", shown)
    return Fault(fault.kind, what, fault.remedy)
