"""Credentials, the stack, and the template as CloudFormation sums it up."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from deploy_action.cloudformation.aws_clients import error_code, error_message, explain, pages
from deploy_action.common.fault_classes import FaultClass, network_fault_of
from deploy_action.diagnosis.services.requests import asking
from deploy_action.errors import BehindUnavailable, StackSourceError
from deploy_action.preflight.checks.credentials import EXPIRED_CODES, told_expiry
from deploy_action.preflight.facts import (
    Declared,
    NoSession,
    Refusal,
    Session,
    StackFacts,
    Summary,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deploy_action.cloudformation.aws_clients import AwsClients
    from deploy_action.cloudformation.stacks import StackRef

NO_CHANGE_SET = "deploy-coordinator-preflight"
"""The name of none."""
_RENEWED = {"iam-role", "container-role"}
"""Credentials that renew themselves as long as the machine runs."""


class Account:
    """One account as these credentials see it. Methods raise BehindDenied, BehindUnavailable."""

    def __init__(self, clients: AwsClients, environ: Mapping[str, str]) -> None:
        self._clients = clients
        self._environ = environ

    def session(self, region: str) -> Session | NoSession:
        """Whose credentials they are, by AWS's own answer; without a permission."""
        from botocore.exceptions import BotoCoreError, ClientError

        heard: list[float] = []
        try:
            client = self._clients.client("sts", region)
            client.meta.events.register("after-call.sts", _listener(heard), unique_id="preflight-clock")
            answer = client.get_caller_identity()
            time = heard[-1] if heard else None
            return Session(answer["Account"], answer["Arn"], self._expiry(client), time)
        except StackSourceError as error:
            return NoSession(error.what, remedy=_of_settings(error))
        except (BotoCoreError, ClientError) as error:
            explained = explain(error)
            if explained.temporary or not explained.remedy:
                raise BehindUnavailable(explained.what) from error
            # The way to STS alone may be barred: that says nothing against the credentials.
            if network_fault_of(error, url="", environ={}).kind is FaultClass.CONFIGURATION:
                raise BehindUnavailable(explained.what, remedy=explained.remedy) from error
            expired = error_code(error) in EXPIRED_CODES
            time = heard[-1] if heard else None
            return NoSession(explained.what, expired, time, _of_settings(explained))
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            raise BehindUnavailable("an answer that is not understood") from error

    def regions(self) -> frozenset[str]:
        """Those that the SDK knows; empty where it cannot tell."""
        from boto3 import Session as BotoSession

        with asking("sts"):
            session = BotoSession()
            return frozenset(
                region
                for partition in session.get_available_partitions()
                for region in session.get_available_regions("cloudformation", partition)
            )

    def stack(self, ref: StackRef) -> StackFacts:
        with asking("cloudformation"):
            client = self._clients.client("cloudformation", ref.region)
            try:
                row = client.describe_stacks(StackName=ref.name)["Stacks"][0]
            except client.exceptions.ClientError as error:
                if error_code(error) == "ValidationError" and "does not exist" in error_message(error):
                    return StackFacts(ref)
                raise
            return StackFacts(
                ref,
                status=row["StackStatus"],
                reason=row.get("StackStatusReason", ""),
                protected=bool(row.get("EnableTerminationProtection")),
                parent_id=row.get("ParentId", ""),
                parameters=frozenset(item["ParameterKey"] for item in row.get("Parameters", [])),
            )

    def resources(self, ref: StackRef) -> Mapping[str, str]:
        """Physical id by logical id, of what is there."""
        with asking("cloudformation"):
            client = self._clients.client("cloudformation", ref.region)
            rows = pages(client.list_stack_resources, "StackResourceSummaries", StackName=ref.name)
            return {
                row["LogicalResourceId"]: row.get("PhysicalResourceId", "")
                for row in rows
                if row.get("ResourceStatus") != "DELETE_COMPLETE"
            }

    def summary(self, ref: StackRef, *, body: str, url: str) -> Summary | Refusal:
        with asking("cloudformation"):
            client = self._clients.client("cloudformation", ref.region)
            try:
                answer = client.get_template_summary(
                    **({"TemplateURL": url} if url else {"TemplateBody": body})
                )
            except client.exceptions.ClientError as error:
                if error_code(error) == "ValidationError":
                    return Refusal(error_message(error))
                raise
            return Summary(
                parameters=tuple(_declared(row) for row in answer.get("Parameters", [])),
                capabilities=tuple(answer.get("Capabilities", [])),
                reason=answer.get("CapabilitiesReason", ""),
            )

    def require_change_sets(self, ref: StackRef) -> None:
        """Raises BehindDenied where change sets of this stack may not be read."""
        with asking("cloudformation"):
            client = self._clients.client("cloudformation", ref.region)
            try:
                client.describe_change_set(StackName=ref.name, ChangeSetName=NO_CHANGE_SET)
            except client.exceptions.ClientError as error:
                if error_code(error) not in {"ChangeSetNotFound", "ValidationError"}:
                    raise

    def _expiry(self, client: Any) -> float | None:
        told = told_expiry(self._environ)
        if told is not None:
            return told
        # botocore has no public way to ask for it.
        credentials = client._request_signer._credentials  # noqa: SLF001
        ends = getattr(credentials, "_expiry_time", None)
        if ends is None or getattr(credentials, "method", "") in _RENEWED:
            return None
        return float(ends.timestamp())


def _listener(heard: list[float]) -> Callable[..., None]:
    """Notes the time of each answer; a proxy may send anything, or nothing."""
    from email.utils import parsedate_to_datetime

    def note(http_response: Any = None, **_: object) -> None:
        with suppress(ValueError, TypeError, AttributeError, KeyError):
            heard.append(parsedate_to_datetime(http_response.headers["Date"]).timestamp())

    return note


def _declared(row: Mapping[str, Any]) -> Declared:
    constraints = row.get("ParameterConstraints", {})
    return Declared(
        row["ParameterKey"],
        type=row.get("ParameterType", "String"),
        default=row.get("DefaultValue"),
        allowed=tuple(constraints.get("AllowedValues", [])),
    )


def _of_settings(error: StackSourceError) -> str:
    return error.remedy if error.misconfigured else ""
