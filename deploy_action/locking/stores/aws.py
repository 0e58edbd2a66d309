"""Code that the stores in AWS share: clients that never repeat a write, and their errors in words."""

from __future__ import annotations

import contextlib
import os
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from deploy_action.cloudformation.aws_clients import (
    CLOCK_CODES,
    CLOCK_REMEDY,
    CLOCK_WORDS,
    attend_to_faults,
    credentials_may_be_renewed,
    of_url,
    url_of,
)
from deploy_action.common.fault_classes import FaultClass, fault_of, of_metadata, through_proxy
from deploy_action.common.retry import retry_after
from deploy_action.errors import RegistryForbidden, RegistryMisconfigured, RegistryUnavailable
from deploy_action.locking.registry_address import RegistryAddress

if TYPE_CHECKING:
    from collections.abc import Iterator

_REGION = re.compile(r"[a-z]{2,5}(-[a-z]{2,12}){1,3}-[0-9]{1,2}")
_ROLE = re.compile(r"arn:[a-z-]+:iam::[0-9]{12}:role/[\w+=,.@/-]{1,512}")
_ARN = re.compile(
    r"(?P<table>arn:[a-z-]+:dynamodb:(?P<region>[a-z0-9-]+):[0-9]{12}:table/[A-Za-z0-9._-]{3,255})(?P<key>/.*)?"
    r"|arn:[a-z-]+:s3:::(?P<bucket>[A-Za-z0-9._-]{3,63})(?P<prefix>/.*)?"
)
_CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_THROTTLED = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "SlowDown",
        "ThrottlingException",
        "TransactionCanceledException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)


class Clients:
    """One service, two clients: `read` repeats a failed request once, `write` never.

    A repeated conditional write may meet its own first attempt and be told that the condition failed,
    although it was written. Only who can read back may repeat it.
    """

    def __init__(
        self,
        service: str,
        *,
        region: str | None,
        endpoint_url: str | None,
        session: Any,
        timeout: float,
        role_arn: str = "",
    ) -> None:
        """`session`: a `boto3.Session`, None for the usual chain of credentials, by which `role_arn` is
        assumed where it is given; `timeout`: seconds."""
        self._service = service
        self._region = region
        self._endpoint_url = endpoint_url
        self._session = session
        self._role_arn = role_arn
        self._timeout = timeout
        self._made: dict[int, Any] = {}

    @property
    def read(self) -> Any:
        return self._client(attempts=2)

    @property
    def write(self) -> Any:
        return self._client(attempts=1)

    def close(self) -> None:
        for client in self._made.values():
            client.close()
        self._made.clear()

    def _client(self, attempts: int) -> Any:
        if attempts not in self._made:
            from botocore.config import Config

            from deploy_action.cloudformation.aws_credentials import assumed_session, renewing_session

            if self._session is None and self._role_arn:
                self._session = assumed_session(self._role_arn, self._region, time.monotonic)
            self._session = self._session or renewing_session(time.monotonic)
            self._made[attempts] = self._session.client(
                self._service,
                region_name=self._region,
                endpoint_url=self._endpoint_url,
                config=Config(
                    connect_timeout=self._timeout,
                    read_timeout=self._timeout,
                    retries={"mode": "standard", "total_max_attempts": attempts},
                ),
            )
            attend_to_faults(self._made[attempts])
        return self._made[attempts]


@contextlib.contextmanager
def explained(location: str, done: str, permissions: str) -> Iterator[None]:
    """Turn what botocore raises into a registry error. `done` is `read` or `written`."""
    from botocore import exceptions

    try:
        yield
    except exceptions.ClientError as error:
        if credentials_may_be_renewed(error):
            raise _unavailable(
                location, done, f"the AWS credentials have expired ({error_code(error)})"
            ) from error
        raise _by_code(error.response, location, done, permissions) from error
    except (exceptions.BotoCoreError, OSError, ValueError) as error:
        fault = fault_of(error, url=url_of(error), environ=os.environ)
        if fault.kind is FaultClass.CONFIGURATION:
            raise RegistryMisconfigured(
                f"The registry in {location} cannot be {done}{of_url(error)}: {fault.what}.",
                why="This does not heal by itself.",
                remedy=fault.remedy,
            ) from error
        lasting = not isinstance(error, (exceptions.ConnectionError, exceptions.HTTPClientError, ValueError))
        if lasting and fault.kind is not FaultClass.TEMPORARY:
            raise RegistryForbidden(
                f"The registry in {location} cannot be {done}: {error}"
                f"{of_metadata(os.environ) if fault.kind is FaultClass.CREDENTIALS else ''}",
                why="Deployments cannot see each other.",
                remedy="Check region, names, and that a step before this one sets up AWS credentials.",
            ) from error
        through = through_proxy(url_of(error), os.environ)
        raise _unavailable(location, done, f"no answer{through} ({type(error).__name__})") from error


def error_code(error: Any) -> str:
    """The code of a `ClientError`, such as `AccessDenied`; a bare `404` where there is no body."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _by_code(response: Any, location: str, done: str, permissions: str) -> Exception:
    code = str(response.get("Error", {}).get("Code", ""))
    message = str(response.get("Error", {}).get("Message", "")).rstrip(".")
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _THROTTLED or status >= 500 or status == 429 or not status:
        pause = retry_after(response.get("ResponseMetadata", {}).get("HTTPHeaders", {}))
        return _unavailable(location, done, f"{code or status} {message}".strip(), pause)
    if code in CLOCK_CODES or (code in _CREDENTIALS and CLOCK_WORDS.search(message)):
        remedy = CLOCK_REMEDY
    elif code in _CREDENTIALS:
        remedy = "Get new AWS credentials in a step before this one; those of a role end after an hour."
    elif status in {401, 403} or code.startswith("AccessDenied"):
        remedy = f"Allow {permissions} to the role of this job."
    elif "NotFound" in code or code.startswith("NoSuch"):
        remedy = "Create it, or correct its name, region or account."
    else:
        remedy = "Check its name and region."
    return RegistryForbidden(
        f"The registry in {location} cannot be {done}: {code} {message}.",
        why="Deployments cannot see each other.",
        remedy=remedy,
    )


def _unavailable(
    location: str, done: str, reason: str, retry_seconds: float | None = None
) -> RegistryUnavailable:
    what = f"The registry in {location} cannot be {done}: {reason}."
    if done == "written":
        what = f"It is not known whether the registry in {location} was written: {reason}."
    return RegistryUnavailable(what, retry_seconds=retry_seconds)


def parse_aws_address(service: str, text: str) -> RegistryAddress | None:
    """Of `SERVICE://` and `TABLE`, `BUCKET/PREFIX` or an ARN, or of an ARN alone, and `?region=…&role=…`.
    None for what is none of them, or of another service; raises ValueError where a part is wrong."""
    text, question, query = text.removeprefix(f"{text.partition('://')[0]}://").partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    if question and not (options and options.keys() <= {"region", "role"}):
        raise ValueError(f"after the ? in `{text}?{query}` stands something else than region=… or role=….")
    region, role = options.get("region", ""), options.get("role", "")
    if region and not _REGION.fullmatch(region):
        raise ValueError(f"`{region}` is not the name of a region, such as eu-west-1.")
    if role and not _ROLE.fullmatch(role):
        raise ValueError(f"`{role}` is not a role's ARN, such as arn:aws:iam::123456789012:role/NAME.")
    arn = _ARN.fullmatch(text)
    if arn is not None:
        if service != ("dynamodb" if arn["table"] else "s3"):
            return None
        if arn["region"] and region not in {"", arn["region"]}:
            raise ValueError(f"`{text}` is in {arn['region']}, and `region={region}` says otherwise.")
        # DynamoDB takes a table's whole ARN in the place of its name, also of another account's.
        place = arn["table"] or arn["bucket"]
        prefix = (arn["key"] or arn["prefix"] or "").strip("/")
        return RegistryAddress(service, place, prefix, region=arn["region"] or region, role=role)
    place, _, prefix = text.partition("/")
    if not re.fullmatch(r"[A-Za-z0-9._-]{3,255}", place):
        return None
    return RegistryAddress(service, place, prefix.strip("/"), region=region, role=role)
