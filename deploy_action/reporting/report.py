"""One Report: the single model of what people are told, whoever renders it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from deploy_action.cleanup.plan import CleanupStep
from deploy_action.cloudformation.change_set import Change
from deploy_action.cloudformation.outcome import Outcome, StackLine
from deploy_action.cloudformation.stacks import Verdict
from deploy_action.diagnosis.causes import Cause, causes_of
from deploy_action.diagnosis.service_lookups import Finding
from deploy_action.estimation.accuracy import Accuracy
from deploy_action.history.estimate import Estimate
from deploy_action.history.operations import OperationRecord
from deploy_action.monitoring.stack_sets import StackSetLine
from deploy_action.plan.planned import PlanOutputs
from deploy_action.reporting.comparison import Comparison
from deploy_action.reporting.resource_activity import ResourceActivity
from deploy_action.reporting.subject import subject

if TYPE_CHECKING:
    from deploy_action.cloudformation.operation import Operation


_WORST_FIRST = (Outcome.FAILED, Outcome.ROLLED_BACK, Outcome.UNKNOWN, Outcome.SUCCEEDED)


@dataclass(frozen=True, slots=True)
class Links:
    """Where to read more; empty texts where there is no such place."""

    run: str = ""
    commit: str = ""
    commit_id: str = ""
    version: str = ""
    """The name of the deployed version, such as `1.4.2`."""
    thread: str = ""
    """The thread in Slack."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """A deployment that this one waited for."""

    correlation_id: str
    url: str = ""
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as people read it: what happened, why it matters, what to do next."""

    what: str
    why: str = ""
    remedy: str = ""
    said: tuple[str, ...] = ()
    """The command's own words about it, most telling first; `what` quotes the first."""
    cause: str = ""
    """The sentence of another error that it came from, and that `what` tells already."""
    parts: tuple[str, ...] = ()
    """The sentences of `what` that are about one thing each, such as a wrong input: its end."""
    tail: tuple[str, ...] = ()
    """The last lines that the command wrote, the oldest first."""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is known of one deployment. Built up by the steps, rendered anywhere."""

    correlation_id: str
    outcome: Outcome = Outcome.UNKNOWN
    environment: str = ""
    locks: tuple[str, ...] = ()
    epoch: int = 0
    queue_seconds: float = 0.0
    ahead: tuple[Ahead, ...] = ()
    """The deployments that held the lock or stood before this one in the queue."""
    duration_seconds: float | None = None
    started: float | None = None
    ended: float | None = None
    stacks: tuple[StackLine, ...] = ()
    last_seen: tuple[StackLine, ...] = ()
    """Stacks whose end was not seen, with the status that they had before; empty where `stacks` tells."""
    stack_sets: tuple[StackSetLine, ...] = ()
    """The operations on stack sets, oldest first."""
    changes: tuple[Change, ...] | None = None
    """The change set's table; None where there was no change set."""
    change_set_arn: str = ""
    """The change set that is executed; of a plan all that stay, one a line."""
    plan: PlanOutputs | None = None
    """The outputs of a plan for later steps; None where nothing was planned only."""
    bars: tuple[ResourceActivity, ...] = ()
    causes: tuple[Cause, ...] = ()
    behind: tuple[Finding, ...] = ()
    """Findings of services about resources that failed or did not end."""
    failure: Failure | None = None
    outputs: dict[str, str] = field(default_factory=dict)
    """Of the only stack by name; where several were asked for, by `STACK/NAME` (`Operation.told_as`)."""
    command_exit_code: int | None = None
    cleanup: tuple[CleanupStep, ...] = ()
    """The steps that people have to take about the remains of a failure."""
    estimate: Estimate | None = None
    """The one that was made before it began."""
    accuracy: Accuracy | None = None
    """Of the estimates of earlier deployments of these stacks."""
    comparisons: tuple[Comparison, ...] = ()
    """With the last good deployment, one a stack."""
    runs: tuple[OperationRecord, ...] = ()
    """The records of each stack's operation that history keeps (`history.operations`)."""
    fallback: str = ""
    """Why the registry could not be used, and when it was back; empty where all went well."""
    asked: tuple[str, ...] = ()
    """Stacks and stack sets by name, as the inputs give them: shown where no stack was seen."""
    timed_out: bool = False
    """It did not end within its time."""
    not_started: bool = False
    """It was refused before anything was changed."""
    needs_repair: bool = False
    """It was refused for the state that its stack is in: no deployment gets it out of that by itself."""
    committed_at: str = ""
    """When what is deployed was committed, ISO 8601; empty where that is not known."""
    deploys: bool = False
    """It was asked to change stacks, not only to look at them or to show a change set."""
    tears_down: str = ""
    """The call of `command` that deletes stacks, such as `cdk destroy`; empty where none is seen."""
    older_commit: str = ""
    """That an older commit replaces a newer one; empty where none does."""
    lock_lost: str = ""
    """That the lock was lost while the deployment ran, and to whom; empty where it was held to the end."""
    notes: tuple[str, ...] = ()
    """Faults on the way: told, never fatal."""
    links: Links = Links()

    @property
    def cautions(self) -> str:
        """Remarks for everybody who reads of the deployment, beside how it went."""
        return f"{self.older_commit} {self.fallback}".strip()

    @property
    def subject(self) -> str:
        """Stacks and environment (`reporting.subject`): one line of text from outside; empty where neither is
        known."""
        names = [stack.name for stack in self.stacks] + [line.name for line in self.stack_sets]
        return subject(names or self.asked, self.environment)

    @property
    def deployed(self) -> bool:
        """Its own deployment ended well, or had nothing to change."""
        return self.deploys and self.outcome.good

    @property
    def waited_for(self) -> tuple[str, ...]:
        """Correlation ids of those ahead."""
        return tuple(one.correlation_id for one in self.ahead)

    @property
    def stack_status(self) -> str:
        """The status of the only stack, or of all as `NAME=STATUS` words."""
        if len(self.named_statuses) == 1:
            return self.named_statuses[0][1]
        return " ".join(f"{name}={status}" for name, status in self.named_statuses)

    @property
    def named_statuses(self) -> tuple[tuple[str, str], ...]:
        """(name, status) of each stack, with the region in front of names that there are several of."""
        count = Counter(stack.name for stack in self.stacks)
        return tuple(
            (stack.name if count[stack.name] == 1 else f"{stack.region}/{stack.name}", stack.status)
            for stack in self.stacks
        ) + tuple((line.name, line.status) for line in self.stack_sets)

    @property
    def outputs_by_stack(self) -> dict[str, str] | dict[str, dict[str, str]]:
        """The outputs of the only stack by name; where several were asked for, an object a stack."""
        if not any("/" in key for key in self.outputs):
            return self.outputs
        found: dict[str, dict[str, str]] = {}
        for key, value in self.outputs.items():
            stack, _, name = key.rpartition("/")
            found.setdefault(stack, {})[name] = value
        return found

    @property
    def deleted(self) -> bool:
        """All that it did was to delete stacks, and it did."""
        return bool(self.stacks) and all(
            stack.status == "DELETE_COMPLETE" and stack.verdict is Verdict.SUCCEEDED for stack in self.stacks
        )

    @property
    def teardown(self) -> bool:
        """It is about deleting stacks: by what was begun on them, else by the command's words."""
        begun = {stack.begun for stack in self.stacks if stack.begun}
        return begun == {"DELETE"} if begun else bool(self.tears_down)

    @property
    def root_cause(self) -> str:
        """The first cause in one line of text, or the failure that kept the deployment from starting."""
        if self.causes:
            first = self.causes[0]
            return f"{first.name} ({first.resource_type}): {first.message}"
        return self.failure.what if self.failure else ""


def with_stack_sets(
    report: Report,
    outcome: Outcome,
    lines: tuple[StackSetLine, ...],
    causes: tuple[Cause, ...],
    *,
    unclear: bool,
) -> Report:
    """With the worst of what stacks and stack sets say. `outcome`: of the stacks; `unclear`: the stack sets
    could not be read in full, so that all went well is not known."""
    verdicts = {line.verdict for line in lines}
    said = [outcome] * bool(report.stacks or not lines)
    said += [Outcome.FAILED] * (Verdict.FAILED in verdicts)
    said += [Outcome.UNKNOWN] * (unclear or Verdict.RUNNING in verdicts)
    said += [Outcome.SUCCEEDED] * (Verdict.SUCCEEDED in verdicts)
    worst = next((one for one in _WORST_FIRST if one in said), outcome)
    found = report.causes + tuple(cause for cause in causes if cause not in report.causes)
    return replace(report, outcome=worst, stack_sets=lines, causes=found)


def failure_causes(operation: Operation, outcome: Outcome) -> tuple[Cause, ...]:
    """Causes, for an outcome that needs them; a failure that CloudFormation got over is not one."""
    return () if outcome.good else causes_of(operation)
