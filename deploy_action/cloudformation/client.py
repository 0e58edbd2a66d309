"""CloudFormation by boto3: what a deployment reads, and what it changes."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING, Any

from deploy_action.cloudformation.aws_clients import AwsClients, error_code, error_message, explain, pages
from deploy_action.cloudformation.change_set import ValidationError, made_by
from deploy_action.cloudformation.change_set_arguments import change_set_arguments, template_arguments
from deploy_action.cloudformation.change_set_reader import listed_change_set, read_change_set
from deploy_action.cloudformation.events import StackEvent
from deploy_action.cloudformation.ports import Identity
from deploy_action.cloudformation.stacks import StackRef, StackState, is_in_progress
from deploy_action.common.instants import CloudFormationTime
from deploy_action.errors import CannotStart, ChangeSetGone, StackSourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from deploy_action.cloudformation.change_set import ChangeSet, ChangeSetRequest, ListedChangeSet
    from deploy_action.cloudformation.ports import Traffic

_SERVICE = "cloudformation"


class CloudFormation:
    """Implements ports.StackSource and ports.StackDeployer. With `one_try` botocore does not retry."""

    def __init__(self, clients: AwsClients, *, one_try: bool = False) -> None:
        self._clients = clients
        self._one_try = one_try
        self._heard_in: set[Any] = set()
        self._their_time: CloudFormationTime | None = None

    def describe(self, stack: StackRef) -> StackState | None:
        with explained():
            try:
                answer = self._client(stack).describe_stacks(StackName=stack.name)
            except Exception as error:
                if _does_not_exist(error):
                    return None
                raise
            return _state(stack.region, answer["Stacks"][0])

    def events(self, stack: StackRef, *, stop: Callable[[StackEvent], bool]) -> Sequence[StackEvent]:
        found: list[StackEvent] = []
        with explained():
            try:
                rows = pages(self._client(stack).describe_stack_events, "StackEvents", StackName=stack.name)
                for row in rows:
                    event = _event(stack.region, row)
                    if stop(event):
                        break
                    found.append(event)
            except Exception as error:
                if not _does_not_exist(error):
                    raise
        found.reverse()
        return found

    def matching(
        self, pattern: StackRef, *, between_pages: Callable[[], object] = lambda: None
    ) -> Sequence[StackState]:
        return self._listed(pattern, lambda status: status != "DELETE_COMPLETE", between_pages)

    def in_progress(self, pattern: StackRef) -> Sequence[StackState]:
        return self._listed(pattern, is_in_progress)

    def deleted(
        self, pattern: StackRef, *, between_pages: Callable[[], object] = lambda: None
    ) -> Sequence[StackState]:
        return self._listed(pattern, lambda status: status == "DELETE_COMPLETE", between_pages)

    def traffic(self) -> Traffic:
        return self._clients.traffic(_SERVICE)

    def _listed(
        self,
        pattern: StackRef,
        wanted: Callable[[str], bool],
        between_pages: Callable[[], object] = lambda: None,
    ) -> list[StackState]:
        with explained():
            client = self._client(pattern)
            known = client.meta.service_model.shape_for("StackStatus").enum
            statuses = [status for status in known if wanted(status)]
            rows = list(
                pages(client.list_stacks, "StackSummaries", between=between_pages, StackStatusFilter=statuses)
            )
            return self._states(pattern, rows)

    @staticmethod
    def _states(pattern: StackRef, rows: Iterable[dict[str, Any]]) -> list[StackState]:
        return [
            StackState(
                StackRef(pattern.region, row["StackName"]),
                row["StackId"],
                row["StackStatus"],
                changed_at=_changed_at(row),
                created_at=row["CreationTime"].timestamp(),
            )
            for row in rows
            if "ParentId" not in row and pattern.matches(row["StackName"])
        ]

    def template_parameters(self, request: ChangeSetRequest) -> frozenset[str]:
        with explained(refusals=True):
            answer = self._client(request.stack).get_template_summary(**template_arguments(request))
            return frozenset(row["ParameterKey"] for row in answer.get("Parameters", []))

    def template(self, stack: StackRef, change_set: str = "", *, original: bool = False) -> object:
        """The template after its macros, of a change set (ARN) or of the stack: a text, or parsed JSON. With
        `original`, before its macros."""
        of = {"ChangeSetName": change_set} if change_set else {}
        stage = "Original" if original else "Processed"
        with explained():
            answer = self._client(stack).get_template(StackName=stack.name, TemplateStage=stage, **of)
            return answer["TemplateBody"]

    def create_change_set(self, request: ChangeSetRequest) -> str:
        with explained(refusals=True):
            answer = self._client(request.stack).create_change_set(**change_set_arguments(request))
            return str(answer["Id"])

    def change_set(self, stack: StackRef, arn: str, *, values: bool = False) -> ChangeSet:
        client = self._client(stack)
        with explained():
            return read_change_set(client.describe_change_set, stack.name, arn, values=values)

    def change_sets(self, stack: StackRef) -> tuple[ListedChangeSet, ...]:
        with explained():
            try:
                rows = list(pages(self._client(stack).list_change_sets, "Summaries", StackName=stack.name))
            except Exception as error:
                if _does_not_exist(error):
                    return ()
                raise
            return tuple(listed_change_set(row) for row in rows)

    def validation_errors(self, stack: StackRef, arn: str) -> tuple[ValidationError, ...]:
        with explained():
            rows = pages(
                self._client(stack).describe_events,
                "OperationEvents",
                ChangeSetName=arn,
                Filters={"FailedEvents": True},
            )
            return tuple(_validation_error(row) for row in rows if _is_validation_error(row))

    def execute_change_set(self, stack: StackRef, arn: str, *, token: str, disable_rollback: bool) -> None:
        with explained(refusals=True):
            self._client(stack).execute_change_set(
                StackName=stack.name,
                ChangeSetName=arn,
                ClientRequestToken=token,
                DisableRollback=disable_rollback,
            )

    def delete_change_set(self, stack: StackRef, arn: str) -> None:
        with explained():
            self._client(stack).delete_change_set(StackName=stack.name, ChangeSetName=arn)

    def delete_unexecuted_change_sets(self, stack: StackRef, correlation_ids: Collection[str]) -> None:
        with explained():
            client = self._client(stack)
            for row in list(pages(client.list_change_sets, "Summaries", StackName=stack.name)):
                unexecuted = row.get("ExecutionStatus") in {"AVAILABLE", "UNAVAILABLE"}
                if unexecuted and made_by(row["ChangeSetName"]) in correlation_ids:
                    client.delete_change_set(StackName=stack.name, ChangeSetName=row["ChangeSetId"])

    def delete_stack(self, stack: StackRef, *, token: str, role_arn: str = "") -> None:
        with explained(refusals=True):
            self._client(stack).delete_stack(
                StackName=stack.name, ClientRequestToken=token, **_role(role_arn)
            )

    def delete_stack_keeping(
        self, stack: StackRef, keep: Sequence[str], *, token: str, role_arn: str = ""
    ) -> None:
        """Delete a stack whose deletion failed, and leave those resources as they are."""
        with explained(refusals=True):
            self._client(stack).delete_stack(
                StackName=stack.name, RetainResources=list(keep), ClientRequestToken=token, **_role(role_arn)
            )

    def continue_update_rollback(
        self, stack: StackRef, skip: Sequence[str], *, token: str, role_arn: str = ""
    ) -> None:
        with explained(refusals=True):
            self._client(stack).continue_update_rollback(
                StackName=stack.name,
                ClientRequestToken=token,
                **({"ResourcesToSkip": list(skip)} if skip else {}),
                **_role(role_arn),
            )

    def roll_back(self, stack: StackRef, *, token: str, role_arn: str = "") -> None:
        """Of a stack whose update failed while rollback was disabled."""
        with explained(refusals=True):
            self._client(stack).rollback_stack(
                StackName=stack.name, ClientRequestToken=token, **_role(role_arn)
            )

    def set_termination_protection(self, stack: StackRef, *, enabled: bool) -> None:
        with explained(refusals=True):
            self._client(stack).update_termination_protection(
                StackName=stack.name, EnableTerminationProtection=enabled
            )

    def set_stack_policy(self, stack: StackRef, policy: str) -> None:
        with explained(refusals=True):
            self._client(stack).set_stack_policy(StackName=stack.name, StackPolicyBody=policy)

    def cancel_update(self, stack: StackRef, *, token: str) -> None:
        with explained(refusals=True):
            self._client(stack).cancel_update_stack(StackName=stack.name, ClientRequestToken=token)

    def their_time(self) -> CloudFormationTime | None:
        return self._their_time

    def _client(self, stack: StackRef) -> Any:
        client = self._clients.client(_SERVICE, stack.region, one_try=self._one_try)
        if client not in self._heard_in:
            self._heard_in.add(client)
            client.meta.events.register("after-call.cloudformation", self._note_time)
        return client

    def _note_time(self, http_response: Any = None, **_: object) -> None:
        from email.utils import parsedate_to_datetime

        # A proxy may send anything, or nothing.
        with suppress(ValueError, TypeError, AttributeError, KeyError):
            answered = parsedate_to_datetime(http_response.headers["Date"])
            self._their_time = CloudFormationTime(answered.timestamp())


class Sts:
    """Implements ports.IdentitySource."""

    def __init__(self, clients: AwsClients, region: str) -> None:
        self._clients = clients
        self._region = region
        self._identity: Identity | None = None
        self._asking = Lock()

    def whoami(self) -> Identity:
        """Asked once, also where several threads want to know."""
        with self._asking:
            if self._identity is None:
                with explained():
                    answer = self._clients.client("sts", self._region).get_caller_identity()
                self._identity = Identity(answer["Account"], answer["Arn"])
            return self._identity


@contextmanager
def explained(*, refusals: bool = False) -> Iterator[None]:
    """Turns botocore's errors into StackSourceError; with `refusals`, what AWS refuses for good into
    CannotStart, in AWS's own words."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except (ResponseParserError, LookupError, AttributeError, TypeError) as error:
        # A proxy's page in place of an answer fails to parse, or lacks what every answer has.
        raise StackSourceError(
            f"AWS gave an answer that cannot be understood ({type(error).__name__})."
        ) from error
    except (BotoCoreError, ClientError, OSError, ValueError) as error:
        if error_code(error) == "ChangeSetNotFound":
            raise ChangeSetGone(error_message(error), temporary=False) from error
        explained = explain(error)
        if refusals and not explained.temporary:
            known = bool(explained.remedy)
            raise CannotStart(
                explained.what if known else f"CloudFormation refuses: {error_message(error)}",
                why="Nothing was changed.",
                remedy=explained.remedy or "Correct what the message names, then run this again.",
            ) from error
        raise explained from error


def _does_not_exist(error: Exception) -> bool:
    return error_code(error) == "ValidationError" and "does not exist" in error_message(error)


def _role(arn: str) -> dict[str, str]:
    """Without one CloudFormation takes the role that the stack was last worked on with, else the caller's
    credentials."""
    return {"RoleARN": arn} if arn else {}


def _state(region: str, row: dict[str, Any]) -> StackState:
    return StackState(
        ref=StackRef(region, row["StackName"]),
        stack_id=row["StackId"],
        status=row["StackStatus"],
        reason=row.get("StackStatusReason", ""),
        outputs={item["OutputKey"]: item.get("OutputValue", "") for item in row.get("Outputs", [])},
        parameters={
            item["ParameterKey"]: item.get("ParameterValue", "") for item in row.get("Parameters", [])
        },
        changed_at=_changed_at(row),
        change_set_arn=row.get("ChangeSetId", ""),
        drift=row.get("DriftInformation", {}).get("StackDriftStatus", ""),
    )


def _changed_at(row: dict[str, Any]) -> float:
    times = (row.get(name) for name in ("CreationTime", "LastUpdatedTime", "DeletionTime"))
    return max((float(time.timestamp()) for time in times if time is not None), default=0.0)


def _event(region: str, row: dict[str, Any]) -> StackEvent:
    return StackEvent(
        event_id=row["EventId"],
        region=region,
        stack_id=row["StackId"],
        logical_id=row.get("LogicalResourceId", ""),
        physical_id=row.get("PhysicalResourceId", ""),
        resource_type=row.get("ResourceType", ""),
        status=row.get("ResourceStatus", ""),
        timestamp=row["Timestamp"].timestamp(),
        reason=row.get("ResourceStatusReason", ""),
        token=row.get("ClientRequestToken", ""),
        operation_id=row.get("OperationId", ""),
        detailed_status=row.get("DetailedStatus", ""),
        hook_type=row.get("HookType", ""),
        hook_status=row.get("HookStatus", ""),
        hook_reason=row.get("HookStatusReason", ""),
        hook_failure_mode=row.get("HookFailureMode", ""),
    )


def _is_validation_error(row: dict[str, Any]) -> bool:
    """Of the failed events those that kept the change set from being made; a warning does not."""
    mode = {"VALIDATION_ERROR": "ValidationFailureMode", "HOOK_INVOCATION_ERROR": "HookFailureMode"}
    member = mode.get(row.get("EventType", ""))
    return member is not None and row.get(member) != "WARN"


def _validation_error(row: dict[str, Any]) -> ValidationError:
    return ValidationError(
        logical_id=row.get("LogicalResourceId", ""),
        path=row.get("ValidationPath", ""),
        reason=row.get("ValidationStatusReason") or row.get("ValidationName") or _hook_reason(row),
    )


def _hook_reason(row: dict[str, Any]) -> str:
    why = row.get("HookStatusReason") or row.get("HookStatus", "")
    return f"hook {row.get('HookType', '')} says: {why}"
