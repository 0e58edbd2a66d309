"""AWS sessions that read their credentials again once AWS calls them expired.

botocore reads a credentials file once for a session. What a refresher replaces, the source profile of a role,
or the answer of a program would else be used until it expires, and then for ever. To be imported late: it
imports botocore.
"""

from __future__ import annotations

import os
from threading import RLock
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.credentials import DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError, CredentialRetrievalError

from deploy_action.cloudformation.aws_models import read_quickly

if TYPE_CHECKING:
    from collections.abc import Callable

EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
PAUSE_SECONDS = 2.0
"""At least so long between two readings: a reading may start a program or ask STS."""
PATIENCE_SECONDS = 120.0
"""For so long new credentials may be late before the old ones count as expired for good."""
MAY_BE_RENEWED = "CredentialsMayBeRenewed"
"""Stands in the `ResponseMetadata` of an error while that patience lasts."""

SESSION_NAME = "deploy-coordinator"
_FIXED = frozenset({"env", "explicit"})
_SIGNED_WITH = "deploy_coordinator_signed_with"
_REPEATED = "deploy_coordinator_repeated"


def renewing_session(monotonic: Callable[[], float]) -> boto3.Session:
    """As `boto3.Session()`. A request that AWS refuses because its credentials have expired is signed and
    sent once more where the chain of credentials gives others by then."""
    core = _core()
    core.register_component("credential_provider", _Provider(core, monotonic))
    return boto3.Session(botocore_session=core)


def assumed_session(role_arn: str, region: str | None, monotonic: Callable[[], float]) -> boto3.Session:
    """With the credentials of a role that the usual ones assume when they are first needed, and again before
    they end: those of a role that another role assumed end after an hour, whatever is asked for."""
    own = renewing_session(monotonic)
    session = _core()

    def fetch() -> dict[str, str]:
        sts = own.client("sts", region_name=region)
        try:
            answer = sts.assume_role(RoleArn=role_arn, RoleSessionName=SESSION_NAME)["Credentials"]
        finally:
            sts.close()
        return {
            "access_key": answer["AccessKeyId"],
            "secret_key": answer["SecretAccessKey"],
            "token": answer["SessionToken"],
            "expiry_time": answer["Expiration"].isoformat(),
        }

    session._credentials = DeferredRefreshableCredentials(fetch, "assume-role")  # noqa: SLF001
    return boto3.Session(botocore_session=session)


def may_be_renewed(error: Exception) -> bool:
    """The credentials have expired, and there may be new ones within PATIENCE_SECONDS."""
    response = getattr(error, "response", None)
    return isinstance(response, dict) and MAY_BE_RENEWED in response.get("ResponseMetadata", {})


class RenewedCredentials:
    """Stands for what the chain of credentials gave last; what is not defined here is asked of that."""

    def __init__(self, first: Any, read: Callable[[], Any], monotonic: Callable[[], float]) -> None:
        """`read`: goes through the chain anew; None where there is nothing."""
        self._current = first
        self._read = read
        self._monotonic = monotonic
        self._lock = RLock()
        self._read_at = float("-inf")
        self._expired_since: float | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._current, name)

    def get_frozen_credentials(self) -> Any:
        """Raises what botocore raises; CredentialRetrievalError where a token file cannot be read."""
        current = self._current
        try:
            return current.get_frozen_credentials()
        except (BotoCoreError, ClientError, OSError) as error:
            if self._renewed(current):
                return self._current.get_frozen_credentials()
            if isinstance(error, OSError):
                raise CredentialRetrievalError(provider=current.method, error_msg=str(error)) from error
            raise

    def note_signature(self, request: Any, **_: object) -> None:
        """For botocore's `before-sign`."""
        request.context[_SIGNED_WITH] = self._current

    def after_answer(
        self, request_dict: dict[str, Any], response: tuple[Any, dict[str, Any]] | None = None, **_: object
    ) -> float | None:
        """For botocore's `needs-retry`: after how many seconds to send again; None for not at all."""
        if response is None or response[1].get("Error", {}).get("Code") not in EXPIRED_CODES:
            return None
        context = request_dict["context"]
        if not context.get(_REPEATED) and self._renewed(context.get(_SIGNED_WITH, self._current)):
            context[_REPEATED] = True
            return 0.0
        with self._lock:
            now = self._monotonic()
            self._expired_since = now if self._expired_since is None else self._expired_since
            if self._current.method not in _FIXED and now - self._expired_since < PATIENCE_SECONDS:
                response[1].setdefault("ResponseMetadata", {})[MAY_BE_RENEWED] = True
        return None

    def _renewed(self, used: Any) -> bool:
        """There are other credentials than the `used` ones, perhaps read just now."""
        with self._lock:
            if self._current is not used:
                return True
            now = self._monotonic()
            if now - self._read_at < PAUSE_SECONDS:
                return False
            self._read_at = now
            try:
                read = self._read()
                found = None if read is None else read.get_frozen_credentials()
            except (BotoCoreError, ClientError, OSError):
                return False
            if found is None or found == _frozen(used):
                return False
            self._current, self._expired_since = read, None
            return True


class _Provider:
    """botocore's component that finds credentials."""

    def __init__(self, core: Any, monotonic: Callable[[], float]) -> None:
        self._core = core
        self._chain = core.get_component("credential_provider")
        self._monotonic = monotonic

    def load_credentials(self) -> RenewedCredentials | None:
        first = self._chain.load_credentials()
        if first is None:
            return None
        credentials = RenewedCredentials(first, _read_chain, self._monotonic)
        self._core.register("before-sign", credentials.note_signature)
        self._core.register("needs-retry", credentials.after_answer)
        return credentials

    def get_provider(self, name: str) -> Any:
        return self._chain.get_provider(name)


def _frozen(credentials: Any) -> Any:
    try:
        return credentials.get_frozen_credentials()
    except (BotoCoreError, ClientError, OSError):
        return None


def _read_chain() -> Any:
    # A session keeps the files that it has read.
    return _core().get_credentials()


def _core() -> Any:
    core = botocore.session.get_session()
    read_quickly(core)
    # boto3 reads AWS_DEFAULT_REGION only, and a role of a profile is assumed in a region.
    if not core.get_config_variable("region") and (region := os.environ.get("AWS_REGION")):
        core.set_config_variable("region", region)
    return core
