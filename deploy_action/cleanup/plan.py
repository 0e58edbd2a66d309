"""Remains of a failure, and the steps that clean them up: steps made from how this very operation ended."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from deploy_action.cloudformation.operation import Phase
from deploy_action.cloudformation.stacks import STACK_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deploy_action.cloudformation.operation import Activity, Operation, StackProgress

RESOURCES_MAX = 50
NAMED_TYPES = {
    "AWS::DynamoDB::Table": ("dynamodb", "delete-table", "--table-name"),
    "AWS::ECR::Repository": ("ecr", "delete-repository", "--repository-name"),
    "AWS::IAM::Role": ("iam", "delete-role", "--role-name"),
    "AWS::Logs::LogGroup": ("logs", "delete-log-group", "--log-group-name"),
    "AWS::S3::Bucket": ("s3api", "delete-bucket", "--bucket"),
    "AWS::SNS::Topic": ("sns", "delete-topic", "--topic-arn"),
    "AWS::SQS::Queue": ("sqs", "delete-queue", "--queue-url"),
    "AWS::SSM::Parameter": ("ssm", "delete-parameter", "--name"),
    "AWS::SecretsManager::Secret": ("secretsmanager", "delete-secret", "--secret-id"),
}
"""Types of resources with names of their own, which may be in the way afterwards; and AWS CLI's words to
delete one by its physical id."""

_SKIPPING = (
    "CloudFormation then counts these resources as rolled back without touching them, so what they really "
    "are may differ from the template. Bring them in line before the next update."
)
_RETAINING = "These resources stay, without a stack: they cost, and their names stay taken."
_LOSING = "Created resources are deleted; to keep them, deploy again with rollback disabled instead."
_WITH_ITS_CONTENT = "Its content is lost for good."


class Deed(Enum):
    DELETE_STACK = "delete-stack"
    CONTINUE_ROLLBACK = "continue-rollback"
    ROLL_BACK = "roll-back"
    DELETE_ORPHAN = "delete-orphan"


@dataclass(frozen=True, slots=True)
class CleanupStep:
    """One thing to do. `command` can be pasted into a shell; what comes from outside is quoted in it.

    `resources` are those that the deed leaves out; of an orphan, its name. `danger` is empty where nothing
    can be lost. `otherwise`: only where the step before it did not help.
    """

    deed: Deed
    region: str
    stack: str
    stack_id: str
    what: str
    command: str
    danger: str = ""
    resources: tuple[str, ...] = ()
    resource_type: str = ""
    otherwise: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """Facts about a stack that may need cleaning up.

    `stuck`: names for `--resources-to-skip` or `--retain-resources`; `orphans`: (type, physical id).
    """

    region: str
    name: str
    stack_id: str
    status: str
    stuck: tuple[str, ...] = ()
    orphans: tuple[tuple[str, str], ...] = ()


def cleanup_of(operation: Operation) -> tuple[CleanupStep, ...]:
    """The steps after an operation that was seen to end. Empty where there is nothing to do."""
    return tuple(step for root in operation.roots for step in steps_for(left_by(operation, root)))


def left_by(operation: Operation, root: StackProgress, *, status: str = "") -> Left:
    """`status`: the stack's own, where it is known better than from events."""
    status = status or root.status
    family = [stack for stack in operation.stacks.values() if operation.root_of(stack) is root]
    if status == "DELETE_FAILED":
        stuck = [name for name, one in _newest(root).items() if one.status == "DELETE_FAILED"]
    elif status == "UPDATE_ROLLBACK_FAILED":
        stuck = [name for stack in family for name in _not_rolled_back(stack)]
    else:
        stuck = []
    orphans = [orphan for stack in family for orphan in _orphans(stack)] if "ROLLBACK" in status else []
    return Left(
        root.region,
        root.name,
        root.stack_id,
        status,
        tuple(stuck[:RESOURCES_MAX]),
        tuple(dict.fromkeys(orphans))[:RESOURCES_MAX],
    )


def left_undeleted(operation: Operation) -> list[Activity]:
    """Resources that the clean-up after a good update gave up on: CloudFormation tries three times, then lets
    it be."""
    roots = {id(root) for root in operation.roots if root.status == "UPDATE_COMPLETE"}
    return [
        activity
        for stack in operation.stacks.values()
        if id(operation.root_of(stack)) in roots
        for activity in {(one.logical_id, one.physical_id): one for one in stack.activities}.values()
        if activity.phase is Phase.CLEANUP and activity.status == "DELETE_FAILED"
    ]


def steps_for(left: Left) -> tuple[CleanupStep, ...]:
    found: list[CleanupStep] = []
    if left.status in {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED"}:
        found.append(_delete(left, "whose creation failed: it can only be deleted"))
    elif left.status == "CREATE_FAILED":
        found.append(_delete(left, "whose creation failed while rollback was disabled", danger=_LOSING))
    elif left.status == "UPDATE_FAILED":
        found.append(_roll_back(left))
    elif left.status == "REVIEW_IN_PROGRESS":
        found.append(_delete(left, "which is empty and was left by a change set that was not executed"))
    elif left.status == "DELETE_FAILED":
        found.append(_delete(left, "whose deletion failed; often a second try is enough"))
        if left.stuck:
            found.append(_delete(left, "and leave out what cannot be deleted", keeping=left.stuck))
    elif left.status == "UPDATE_ROLLBACK_FAILED":
        found.append(_continue(left))
        if left.stuck:
            found.append(_continue(left, skipping=left.stuck))
    found += [_orphan(left, kind, name) for kind, name in left.orphans]
    return tuple(found)


def _delete(left: Left, why: str, *, keeping: tuple[str, ...] = (), danger: str = "") -> CleanupStep:
    return CleanupStep(
        Deed.DELETE_STACK,
        left.region,
        left.name,
        left.stack_id,
        f"Delete stack {left.name}, {why}.",
        _command("delete-stack", left, *(("--retain-resources", *keeping) if keeping else ())),
        _RETAINING if keeping else danger,
        keeping,
        otherwise=bool(keeping),
    )


def _roll_back(left: Left) -> CleanupStep:
    return CleanupStep(
        Deed.ROLL_BACK,
        left.region,
        left.name,
        left.stack_id,
        f"Roll stack {left.name} back to its last good state; or deploy it again with rollback disabled.",
        _command("rollback-stack", left),
    )


def _continue(left: Left, *, skipping: tuple[str, ...] = ()) -> CleanupStep:
    what = (
        f"If that fails again, leave out {', '.join(skipping)}."
        if skipping
        else f"Repair what the rollback of stack {left.name} needs, then go on with it."
    )
    options = ("--resources-to-skip", *skipping) if skipping else ()
    return CleanupStep(
        Deed.CONTINUE_ROLLBACK,
        left.region,
        left.name,
        left.stack_id,
        what,
        _command("continue-update-rollback", left, *options),
        _SKIPPING if skipping else "",
        skipping,
        otherwise=bool(skipping),
    )


def _orphan(left: Left, kind: str, name: str) -> CleanupStep:
    return CleanupStep(
        Deed.DELETE_ORPHAN,
        left.region,
        left.name,
        left.stack_id,
        f"Delete {kind} {name}, which the rollback of stack {left.name} left: the next creation would find "
        "its name taken.",
        _orphan_command(left, kind, name),
        _WITH_ITS_CONTENT,
        (name,),
        kind,
    )


def _orphan_command(left: Left, kind: str, name: str) -> str:
    """It works without the stack, which an earlier step deletes, and touches nothing else."""
    service, operation, option = NAMED_TYPES[kind]
    return shlex.join(["aws", service, operation, "--region", left.region, option, name])


def _command(deed: str, left: Left, *options: str) -> str:
    return shlex.join(
        ["aws", "cloudformation", deed, "--region", left.region, "--stack-name", left.name, *options]
    )


def _newest(stack: StackProgress) -> dict[str, Activity]:
    """The last thing that was done to each resource."""
    return {activity.logical_id: activity for activity in stack.activities}


def _not_rolled_back(stack: StackProgress) -> Iterable[str]:
    """Only what failed in the rollback itself may be skipped, not what was cancelled before, and of a nested
    stack its resources instead of itself."""
    prefix = f"{stack.name}." if stack.path else ""
    for logical_id, activity in _newest(stack).items():
        stuck = activity.status == "UPDATE_FAILED" and activity.phase is Phase.ROLLBACK
        if stuck and activity.resource_type != STACK_TYPE and "cancel" not in activity.reason.lower():
            yield f"{prefix}{logical_id}"


def _orphans(stack: StackProgress) -> Iterable[tuple[str, str]]:
    """Resources that this operation made, that have a name of their own and are no longer in the stack.

    Made for sure: a creation that failed may have failed because somebody else's of that name was there.
    """
    made = {one.logical_id for one in stack.activities if one.status == "CREATE_COMPLETE"}
    for logical_id, activity in _newest(stack).items():
        left = activity.status in {"DELETE_SKIPPED", "DELETE_FAILED"} and logical_id in made
        name = activity.physical_id if activity.resource_type in NAMED_TYPES else ""
        if left and name and not is_generated(name, stack.name, logical_id):
            yield activity.resource_type, name


def is_generated(physical_id: str, stack: str, logical_id: str) -> bool:
    """CloudFormation made the name up, from (parts of) the stack's, the resource's, and a random end."""
    name = physical_id.rpartition("/")[2].rpartition(":")[2].lower()
    return name.startswith(stack[:8].lower()) and logical_id[:5].lower() in name
