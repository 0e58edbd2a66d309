"""Stacks: how they are named, which states there are, and what each state means."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase

from deploy_action.cloudformation.regions import console_host, partition_of, similar_regions

STACK_TYPE = "AWS::CloudFormation::Stack"

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
_PATTERN = re.compile(r"[A-Za-z*?\[][A-Za-z0-9*?\[\]!-]{0,255}")
_GLOB = re.compile(r"[*?\[]")
_ARN = re.compile(
    rf"arn:[a-z-]+:cloudformation:(?P<region>[a-z0-9-]+):(?P<account>\d{{12}}):stack/"
    rf"(?P<name>{_NAME.pattern})(/[A-Za-z0-9-]+)?"
)


@dataclass(frozen=True, slots=True, order=True)
class StackRef:
    """A stack's address: `name` is its name, its id (ARN), or a glob over names."""

    region: str
    name: str

    @property
    def is_glob(self) -> bool:
        return _GLOB.search(self.name) is not None

    @property
    def short_name(self) -> str:
        """The name people use, also where `name` is an id."""
        return stack_name_of(self.name)

    def matches(self, name: str) -> bool:
        return fnmatchcase(name, self.name)

    def __str__(self) -> str:
        return f"{self.region}/{self.short_name}"


def parse_stack_ref(text: str, default_region: str) -> StackRef:
    """`NAME`, `REGION/NAME`, a glob in place of the name, or an ARN, which stands for the stack of its name:
    whoever calls has to see to the account.

    Raises ValueError with a sentence for people.
    """
    if text.startswith("arn:"):
        arn = _parse_arn(text)
        _check_region(arn["region"], text)
        return StackRef(arn["region"], arn["name"])
    region, separator, name = text.rpartition("/")
    region = region if separator else default_region
    if not region:
        raise ValueError(f"stack `{text}` has no region: write `REGION/{text}` or set AWS_REGION.")
    _check_region(region, text)
    if not (_PATTERN if _GLOB.search(name) else _NAME).fullmatch(name):
        raise ValueError(
            f"`{name}` is not a stack name: a letter first, then letters, digits and hyphens, 128 at most."
        )
    return StackRef(region, name)


def _check_region(region: str, text: str) -> None:
    if partition_of(region) is None:
        meant = ", ".join(similar_regions(region)) or "eu-west-1"
        raise ValueError(
            f"`{region}` in stack `{text}` is not a region that this version knows. Write one such as "
            f"{meant}. A region that is newer than this version needs an update of deploy-coordinator."
        )


def account_of_arn(text: str) -> str:
    """The account in what `parse_stack_ref` takes; empty where that is no ARN."""
    return str(_parse_arn(text)["account"]) if text.startswith("arn:") else ""


def _parse_arn(text: str) -> re.Match[str]:
    found = _ARN.fullmatch(text)
    if found is None:
        raise ValueError(
            f"`{text}` is not a stack's ARN; one is arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/ID."
        )
    return found


def stack_name_of(stack_id: str) -> str:
    """The name inside a stack's ARN (`arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/UUID`)."""
    if not stack_id.startswith("arn:"):
        return stack_id
    parts = stack_id.split("/")
    return parts[1] if len(parts) > 1 else stack_id


class Verdict(Enum):
    """The verdict on a stack's last operation, by its status."""

    SUCCEEDED = "succeeded"
    ROLLED_BACK = "rolled-back"
    FAILED = "failed"
    RUNNING = "running"
    NONE = "none"
    """No operation ever changed this stack (`REVIEW_IN_PROGRESS`)."""


_ROLLED_BACK = {"ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}
_SUCCEEDED = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE", "IMPORT_COMPLETE"}


def verdict_of(status: str) -> Verdict:
    """A status that is not known is a failure, so that a new one can never be shown as green."""
    if status == "REVIEW_IN_PROGRESS":
        return Verdict.NONE
    if status.endswith("_IN_PROGRESS"):
        return Verdict.RUNNING
    if status in _SUCCEEDED:
        return Verdict.SUCCEEDED
    if status in _ROLLED_BACK:
        return Verdict.ROLLED_BACK
    return Verdict.FAILED


def operation_verdict(begun: str, status: str) -> Verdict:
    """The verdict on an operation. `begun`: CREATE, UPDATE, DELETE or IMPORT; empty where that was not seen.

    A creation that fails can end DELETE_COMPLETE (`OnFailure=DELETE`), and a deletion that is refused goes
    back to the status from before, so the last status alone is no verdict.
    """
    verdict = verdict_of(status)
    if verdict in {Verdict.RUNNING, Verdict.NONE} or not begun:
        return verdict
    if begun == "DELETE":
        return Verdict.SUCCEEDED if status == "DELETE_COMPLETE" else Verdict.FAILED
    return Verdict.FAILED if status == "DELETE_COMPLETE" else verdict


def is_in_progress(status: str) -> bool:
    """Something is being changed. A stack under review is not: nothing runs, and anybody may go on."""
    return verdict_of(status) is Verdict.RUNNING


@dataclass(frozen=True, slots=True)
class StackState:
    """A stack as `DescribeStacks` tells it. `outputs` and `parameters` map names to values."""

    ref: StackRef
    stack_id: str
    status: str
    reason: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    """Those that are NoEcho as `****`."""
    changed_at: float = 0.0
    """When its last operation began, unix seconds of CloudFormation."""
    created_at: float = 0.0
    """Unix seconds of CloudFormation; 0 where that was not told."""
    change_set_arn: str = ""
    """The change set whose execution was its last operation; empty where that was none's."""
    drift: str = ""
    """The result of the last drift detection: DRIFTED, IN_SYNC, UNKNOWN or NOT_CHECKED."""

    @property
    def in_progress(self) -> bool:
        return is_in_progress(self.status)


def console_url(region: str, stack_id: str) -> str:
    """The stack's events page in the AWS console; empty where the console of its partition is not known."""
    partition = partition_of(region)
    name = stack_id.split(":")[1] if stack_id.startswith("arn:") else partition.name if partition else ""
    host = console_host(name, region)
    return (
        f"https://{host}/cloudformation/home?region={region}#/stacks/events?stackId={stack_id}"
        if host
        else ""
    )
