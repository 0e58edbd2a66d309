"""Code that all AWS adapters share: sessions, clients, and errors in words."""

from __future__ import annotations

import math
import os
import re
import time
from threading import Lock, local
from typing import TYPE_CHECKING, Any

from deploy_action.cloudformation.ports import Traffic
from deploy_action.common.fault_classes import FaultClass, fault_of, of_metadata, through_proxy
from deploy_action.errors import StackSourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_THROTTLED = {"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"}
_TEMPORARY = _THROTTLED | {
    "InternalFailure",
    "InternalServerError",
    "ServiceUnavailable",
    "RequestTimeout",
}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
_BAD_CREDENTIALS = {
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
CLOCK_CODES = {"RequestTimeTooSkewed", "RequestInTheFuture"}
CLOCK_WORDS = re.compile(r"Signature (expired|not yet current)|too skewed|must be within", re.IGNORECASE)
CLOCK_REMEDY = "Set this machine's clock (chronyc tracking, timedatectl): AWS allows five to fifteen minutes."


LIMITED_READ_SECONDS = (10.0, 5.0, 2.0, 1.0)
"""Time-outs of requests under a limit: few, since each takes a client of its own."""
TOO_SLOW = "CloudFormation answers too slowly, so it is not asked any more."
_LIMITED = {"cloudformation"}
"""Registries in S3 and DynamoDB have budgets of their own."""
EXPIRED_REMEDY = (
    "Raise `role-duration-seconds` of the step that fetches the credentials. The session of a role that was "
    "assumed from another role ends after one hour whatever is asked for: sign in to that role directly by "
    "OIDC, or use a profile or a file that is renewed (docs/enterprise.md), which is read again."
)


class SharedSession:
    """The session that clients are made of, when first used, by one thread at a time."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = Lock()
        self._session: Any = None

    def client(self, service: str, **options: Any) -> Any:
        """As boto3's. Raises what boto3 raises."""
        from deploy_action.cloudformation.aws_credentials import renewing_session

        with self._lock:
            self._session = self._session or renewing_session(self._monotonic)
            return self._session.client(service, **options)


class AwsClients:
    """Clients by service and region, made when first used.

    botocore's standard retries are the only retry layer: `tries` unless AWS_MAX_ATTEMPTS says otherwise, so
    that one call takes seconds, not minutes, when AWS is in trouble; the callers ask again. Several threads
    may ask for clients; a client itself is safe to share. Credentials that have expired are read again.
    With a `limit`, requests to CloudFormation are tried once, and end within it.
    """

    def __init__(
        self,
        *,
        connect_seconds: float = 5,
        read_seconds: float = 20,
        tries: int = 3,
        session: SharedSession | None = None,
    ) -> None:
        """`session`: that of other clients of this process, with its credentials; else one of its own."""
        self._connect_seconds = connect_seconds
        self._read_seconds = read_seconds
        self._tries = tries
        self.session = session or SharedSession()
        self._clients: dict[tuple[str, str, float, int | None], Any] = {}
        self._lock = Lock()
        self._traffic: dict[str, Traffic] = {}
        self._left_seconds: Callable[[], float] = lambda: math.inf

    def client(self, service: str, region: str, *, one_try: bool = False) -> Any:
        """A boto3 client; with `one_try` for callers that ask again by a budget of their own. Raises
        StackSourceError where boto3 refuses, for example for a missing profile."""
        with self._lock:
            left = self._left_seconds() if service in _LIMITED else math.inf
            read_seconds = min(self._read_seconds, _limited(left))
            tries = 1 if one_try or left < math.inf else _tries(self._tries)
            key = (service, region, read_seconds, tries)
            found = self._clients.get(key)
            if found is None:
                found = self._clients[key] = self._made(service, region, read_seconds, tries)
        return found

    def traffic(self, service: str) -> Traffic:
        """Requests of all clients of a service so far, each try counted."""
        return self._traffic.get(service, Traffic())

    def _counter(self, service: str) -> Callable[..., None]:
        def count(response: Any = None, **_: object) -> None:
            throttled = response is not None and response[1].get("Error", {}).get("Code") in _THROTTLED
            with self._lock:
                before = self._traffic.get(service, Traffic())
                self._traffic[service] = Traffic(before.requests + 1, before.throttled + throttled)

        return count

    def limit(self, left_seconds: Callable[[], float]) -> None:
        """`left_seconds` says, before each request to CloudFormation, how long it may take: infinitely long
        without a limit. With nothing left the request is not sent, and raises StackSourceError."""
        self._left_seconds = left_seconds

    def _refuse_late(self, **_: object) -> None:
        if self._left_seconds() <= 0:
            raise StackSourceError(TOO_SLOW)

    def _made(self, service: str, region: str, read_seconds: float, tries: int | None) -> Any:
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        try:
            client = self.session.client(
                service,
                region_name=region,
                config=Config(
                    connect_timeout=min(self._connect_seconds, read_seconds),
                    read_timeout=read_seconds,
                    retries=_retries(tries),
                    user_agent_extra="deploy-coordinator",
                ),
            )
            attend_to_faults(client)
            if service in _LIMITED:
                client.meta.events.register_first(f"before-call.{service}", self._refuse_late)
            # botocore asks after each try whether there is to be another.
            client.meta.events.register_first(f"needs-retry.{service}", self._counter(service))
            return client
        except (BotoCoreError, OSError, ValueError) as error:
            raise explain(error) from error


def _limited(left_seconds: float) -> float:
    """The longest of LIMITED_READ_SECONDS that is left, else the shortest; infinite without a limit."""
    if left_seconds == math.inf:
        return math.inf
    return next((one for one in LIMITED_READ_SECONDS if one <= left_seconds), LIMITED_READ_SECONDS[-1])


def _tries(tries: int) -> int | None:
    """None where AWS_MAX_ATTEMPTS says it."""
    return None if os.environ.get("AWS_MAX_ATTEMPTS") else tries


def _retries(tries: int | None) -> dict[str, object]:
    return {"mode": "standard", **({} if tries is None else {"total_max_attempts": tries})}


def is_denial(error: Exception) -> bool:
    """A permission is missing."""
    return error_code(error) in _DENIED


def error_code(error: Exception) -> str:
    """AWS's code of a botocore ClientError, else an empty text."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def error_message(error: Exception) -> str:
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return str(response.get("Error", {}).get("Message", "")) or str(error)
    return str(error)


def credentials_may_be_renewed(error: Exception) -> bool:
    """They have expired, and what they come from may still give new ones."""
    if error_code(error) not in _EXPIRED:
        return False
    from deploy_action.cloudformation.aws_credentials import may_be_renewed

    return may_be_renewed(error)


def explain(error: Exception) -> StackSourceError:
    """A botocore error in words; `temporary` where asking again may help."""
    code, message = error_code(error), error_message(error)
    if code in _EXPIRED:
        return StackSourceError(
            f"The AWS credentials have expired ({code}).",
            why="CloudFormation goes on by itself, but can no longer be watched from here.",
            remedy=EXPIRED_REMEDY,
            temporary=credentials_may_be_renewed(error),
        )
    if code in _DENIED:
        return StackSourceError(
            f"AWS denies access: {message}",
            remedy="Add the missing action to the role's policy; docs/security.md lists what is needed.",
            temporary=False,
            denied=True,
        )
    if code in CLOCK_CODES or (code in _BAD_CREDENTIALS and CLOCK_WORDS.search(message)):
        return StackSourceError(
            f"AWS does not accept the time of this machine ({code}): {message}",
            remedy=CLOCK_REMEDY,
            temporary=False,
        )
    fault = fault_of(error, environ=os.environ, url=url_of(error)) if not code else None
    if fault is not None and fault.kind is FaultClass.CONFIGURATION:
        return StackSourceError(
            f"AWS cannot be asked{of_url(error)}: {fault.what}.",
            why="This does not heal by itself, so it is not tried again.",
            remedy=fault.remedy,
            temporary=False,
            misconfigured=True,
        )
    if code in _BAD_CREDENTIALS or (fault is not None and fault.kind is FaultClass.CREDENTIALS):
        return StackSourceError(
            f"There are no usable AWS credentials: {message}{of_metadata(os.environ)}",
            remedy="In a job, run a step such as aws-actions/configure-aws-credentials before this one; "
            "elsewhere, sign in (aws sso login) and name the profile (AWS_PROFILE).",
            temporary=False,
        )
    status = _http_status(error)
    temporary = code in _TEMPORARY or status >= 500
    if fault is not None:
        temporary = temporary or fault.kind is FaultClass.TEMPORARY or _answerless(error)
        # An answer with a value that cannot be, such as a time.
        temporary = temporary or isinstance(error, ValueError)
    through = through_proxy(url_of(error), os.environ)
    return StackSourceError(
        f"AWS answered with {code}: {message}" if code else f"AWS could not be reached{through}: {message}",
        temporary=temporary,
        throttled=code in _THROTTLED,
    )


_asked = local()


def attend_to_faults(client: Any) -> None:
    """Remembers what is asked, since botocore's error about a proxy does not name it. What settings keep from
    ever being answered is not tried again, as botocore would for seconds."""
    client.meta.events.register("before-send", lambda request, **_: setattr(_asked, "url", request.url))
    client.meta.events.register_first("needs-retry", _end_lasting)


def _end_lasting(caught_exception: BaseException | None = None, **_: object) -> None:
    if caught_exception is not None and fault_of(caught_exception).kind is FaultClass.CONFIGURATION:
        raise caught_exception


def url_of(error: Exception) -> str:
    """The request as far as it is known; empty where nothing was."""
    kwargs = getattr(error, "kwargs", None)
    told = str(kwargs.get("endpoint_url") or "") if isinstance(kwargs, dict) else ""
    if not told and type(error).__name__ == "ProxyConnectionError":
        told = getattr(_asked, "url", "").partition("?")[0]
    return told


def of_url(error: Exception) -> str:
    return f" ({url})" if (url := url_of(error)) else ""


def _answerless(error: Exception) -> bool:
    """botocore's own classes for a connection that gave no answer."""
    from botocore.exceptions import ConnectionError as NoConnection
    from botocore.exceptions import HTTPClientError

    return isinstance(error, (NoConnection, HTTPClientError))


def _http_status(error: Exception) -> int:
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return 0
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def pages(
    call: Any, result: str, *, between: Callable[[], object] = lambda: None, **arguments: object
) -> Iterator[Any]:
    """The items under `result` of all pages of an operation that pages with NextToken; `between` is called
    before each further page."""
    token: str | None = None
    while True:
        if token:
            between()
        answer = call(**arguments, **({"NextToken": token} if token else {}))
        yield from answer.get(result, [])
        token = answer.get("NextToken")
        if not token:
            return
