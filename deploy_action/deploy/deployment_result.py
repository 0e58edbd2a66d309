"""The result of a deployment: read from CloudFormation into the report, and judged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.cleanup import text as cleanup
from deploy_action.cleanup.plan import cleanup_of
from deploy_action.cloudformation.deployability import ways_out
from deploy_action.cloudformation.operation import Operation
from deploy_action.cloudformation.outcome import Outcome, StackLine, outcome_of
from deploy_action.common.times import duration
from deploy_action.errors import Cancelled, DeploymentFailed, TimedOut, VerdictUnknown
from deploy_action.history.operations import runs_of
from deploy_action.job.job_log import optional
from deploy_action.monitoring.final_status import confirmed, outputs_of
from deploy_action.monitoring.watch_loop import End
from deploy_action.reporting.comparison import compared
from deploy_action.reporting.log.lines import cause_annotation
from deploy_action.reporting.remarks import remarks_on_success
from deploy_action.reporting.report import failure_causes
from deploy_action.reporting.resource_activity import resource_activities

if TYPE_CHECKING:
    from deploy_action.cloudformation.client import CloudFormation
    from deploy_action.cloudformation.stacks import StackState
    from deploy_action.deploy.deployment_estimate import DeploymentEstimate
    from deploy_action.diagnosis.service_investigator import ServiceInvestigator
    from deploy_action.errors import CoordinatorError
    from deploy_action.history.operations import OperationRecord
    from deploy_action.inputs.settings import Settings
    from deploy_action.job.context import JobContext
    from deploy_action.job.state import JobState
    from deploy_action.monitoring.closing_budget import Closing
    from deploy_action.monitoring.event_stream import EventStream

CLEANUP_SUFFIX = "_CLEANUP_IN_PROGRESS"
ANNOTATIONS_MAX = 5
"""Of the 10 errors that GitHub shows for one use of the action."""
UNCHANGED_MAX = 20
"""At most this many unchanged stacks are asked for their outputs."""


class DeploymentResult:
    """The end of a deployment. `looker` as for the watch."""

    def __init__(
        self,
        job: JobContext,
        settings: Settings,
        state: JobState,
        cloudformation: CloudFormation,
        *,
        estimate: DeploymentEstimate,
        closing: Closing,
        looker: ServiceInvestigator | None,
    ) -> None:
        self._job = job
        self._settings = settings
        self._state = state
        self._reporter = job.reporter
        self._cloudformation = cloudformation
        self._estimate = estimate
        self._closing = closing
        self._looker = looker

    def read(self, watcher: EventStream, *, ours_only: bool) -> Outcome:
        """Read how it ended into the report; `unknown` where it has not ended or cannot be read."""
        operation = watcher.operation
        lines, outputs, notes = confirmed(self._cloudformation, self._closing, operation, ours_only=ours_only)
        for note in notes:
            self._reporter.note(note)
        outcome = outcome_of(lines)
        if outcome.good:
            outputs |= self._unchanged(operation)[1]
            for remark in remarks_on_success(operation):
                self._reporter.note(remark)
        self._state.report = replace(
            self._state.report,
            outcome=outcome,
            stacks=lines,
            outputs=outputs,
            started=operation.started,
            ended=operation.ended,
            bars=resource_activities(operation),
            causes=failure_causes(operation, outcome),
            cleanup=optional(
                self._reporter,
                "The look at what is left",
                lambda: () if outcome.good else cleanup_of(operation),
            )
            or (),
            runs=optional(self._reporter, "Learning from this deployment", lambda: self._runs(operation))
            or (),
        )
        optional(self._reporter, "The comparison with earlier ones", lambda: self._compare(operation))
        if self._looker is not None and not outcome.good and not self._job.cancelled():
            self._reporter.found(self._looker.finish(operation))
            self._state.report = replace(self._state.report, behind=self._looker.about(operation))
        return outcome

    def _runs(self, operation: Operation) -> tuple[OperationRecord, ...]:
        return runs_of(operation, planned={plan.stack: plan.touched for plan in self._estimate.plans})

    def _compare(self, operation: Operation) -> None:
        if self._estimate.past is not None:
            bars = resource_activities(operation, self._estimate.forecast)
            bars, comparisons = compared(bars, self._state.report.runs, self._estimate.past)
            self._state.report = replace(self._state.report, bars=bars, comparisons=comparisons)

    def left_as_it_was(self) -> None:
        """Nothing was changed: tell status and outputs all the same."""
        self._state.report = replace(self._state.report, outcome=Outcome.NO_CHANGES)
        lines, outputs = self._unchanged(Operation(self._settings.stacks))
        self._state.report = replace(self._state.report, stacks=lines, outputs=outputs)

    def _unchanged(self, operation: Operation) -> tuple[tuple[StackLine, ...], dict[str, str]]:
        """Statuses and outputs of the stacks that were asked for by name and on which nothing was done."""
        known = {(root.region, root.name) for root in operation.roots}
        lines: list[StackLine] = []
        outputs: dict[str, str] = {}
        for ref in self._settings.stacks[:UNCHANGED_MAX]:
            if ref.is_glob or (ref.region, ref.short_name) in known or self._closing.over():
                continue
            state = optional(
                self._reporter,
                "The look at the stack's outputs",
                lambda ref=ref: self._cloudformation.describe(ref),  # type: ignore[misc]
            )
            if state is not None:
                lines.append(_line(state))
                outputs |= outputs_of(state, operation)
        return tuple(lines), outputs

    def _no_cause(self) -> str:
        if (
            self._estimate.stream is not None
            and self._estimate.stream.readable
            and self._estimate.stream.began
        ):
            return "CloudFormation gives none"
        return "unknown, since the stack's events could not be read"

    def read_by_status(self, state: StackState, begun: str) -> Outcome:
        """The same from `DescribeStacks` alone; the causes stay unknown. `begun`: CREATE or UPDATE."""
        line = replace(_line(state), begun=begun)
        outcome = outcome_of((line,))
        self._state.report = replace(
            self._state.report, outcome=outcome, stacks=(line,), outputs=state.outputs
        )
        return outcome

    def judge(self, end: End, outcome: Outcome, *, undone: str = "") -> None:
        """Raise what a verdict other than success means for the step. `undone`: what was asked for when the
        deployment was stopped; it is no success then, however it ended."""
        status = self._state.report.stack_status or "status unknown"
        limit = duration(self._settings.timeout_seconds or 0)
        stopped = error_of_stop(end, status=status, undone=undone, limit=limit)
        if stopped is not None:
            raise stopped
        if outcome is Outcome.UNKNOWN and end is End.TIMED_OUT:
            outcome = self._only_cleans_up()
        if outcome in {Outcome.FAILED, Outcome.ROLLED_BACK}:
            self.fail()
        if outcome is Outcome.UNKNOWN:
            raise error_of_unknown(end, status=status, limit=limit, unread=self._reporter.unread)

    def _only_cleans_up(self) -> Outcome:
        """How it ended, where no more than clean-up was under way when the time was up."""
        stacks = self._state.report.stacks
        done = tuple(replace(stack, status=stack.status.replace(CLEANUP_SUFFIX, "")) for stack in stacks)
        outcome = outcome_of(done)
        if outcome is not Outcome.UNKNOWN:
            ended = "is done and cannot roll back any more" if outcome.good else "has ended"
            self._state.report = replace(self._state.report, outcome=outcome)
            self._reporter.note(
                f"The update {ended}; CloudFormation still deletes what it replaced or removed, and that did "
                f"not end within {duration(self._settings.timeout_seconds or 0)}."
            )
        return outcome

    def fail(self, *, despite: str = "") -> None:
        """Annotate the causes and raise DeploymentFailed."""
        report = self._state.report
        for cause in report.causes[:ANNOTATIONS_MAX]:
            self._reporter.once(f"cause {cause.stack_id} {cause.logical_id}", cause_annotation(cause))
        for line in cleanup.lines(report.cleanup):
            self._reporter.log.write(line)
        words = "failed and was rolled back" if report.outcome is Outcome.ROLLED_BACK else "failed"
        subject = "deletion" if report.teardown else "deployment"
        verdict = f"The {subject} {words} ({report.stack_status}){despite}."
        error = DeploymentFailed(
            f"{verdict} Root cause: {report.root_cause or self._no_cause()}",
            remedy=ways_out(report.named_statuses),
        )
        if report.causes:
            error.annotation = f"{verdict} {error.remedy}".strip()
        raise error


def _line(state: StackState) -> StackLine:
    return StackLine(state.ref.region, state.ref.name, state.stack_id, state.status, state.reason)


_EITHER = "It may have succeeded or failed; unknown is not success."
_LOOK = "Look at the stack in the console before you deploy again."


def error_of_stop(end: End, *, status: str, undone: str, limit: str) -> CoordinatorError | None:
    """Of a deployment that was cancelled, or undone when its time was up; None of any other.

    `status` of the stacks, `undone`: what was asked for when it was stopped, `limit`: `timeout-in-minutes`,
    all in words.
    """
    if end is End.CANCELLED:
        return Cancelled(
            "The job was cancelled while the deployment ran.",
            why=undone or f"CloudFormation continues the operation by itself: {status}.",
            remedy="Watch the stack in the console"
            + ("." if undone else "; cancel its update there if you want it stopped."),
        )
    if undone:
        return TimedOut(
            f"The deployment did not end within {limit}.",
            why=f"{undone} The stack is {status}.",
            remedy="Look at the stack in the console, or raise `timeout-in-minutes`.",
        )
    return None


def error_of_unknown(
    end: End, *, status: str, limit: str, unread: CoordinatorError | None = None
) -> CoordinatorError:
    """Of a deployment whose outcome is not known; the arguments as in `error_of_stop`. `unread`: why
    CloudFormation could not be asked the last time that it could not."""
    if end is End.TIMED_OUT:
        return TimedOut(
            f"The deployment did not end within {limit}.",
            why=f"The operation was left running: {status}.",
            remedy="Watch the stack in the console, or raise `timeout-in-minutes`.",
        )
    if end is End.NEVER_BEGAN:
        return VerdictUnknown(
            "The deployment was requested, and CloudFormation shows no sign of it.",
            why="It may still begin; unknown is not success.",
            remedy="Look at the stack and its change sets in the console before you deploy again.",
        )
    if end is not End.BLIND or unread is None:
        return VerdictUnknown(
            "CloudFormation could not be asked how the deployment ended.", why=_EITHER, remedy=_LOOK
        )
    error = VerdictUnknown(
        f"{unread.what.rstrip('.')}: how the deployment ended could not be read.",
        why=_EITHER,
        remedy=f"{_LOOK} {unread.remedy}".rstrip(),
    )
    error.cause = unread.what
    return error
