"""The parts that the three ways to deploy share: the lock, the watch, the verdict."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.cleanup import text as cleanup
from deploy_action.cleanup.plan import cleanup_of
from deploy_action.cloudformation.deployability import ways_out
from deploy_action.cloudformation.operation import Operation
from deploy_action.cloudformation.outcome import Outcome, StackLine, outcome_of
from deploy_action.common.instants import CloudFormationTime
from deploy_action.common.times import duration
from deploy_action.deploy.templates import Templates
from deploy_action.deploy.verdict import error_of_stop, error_of_unknown
from deploy_action.errors import Cancelled, DeploymentFailed, EndedWithoutLock, LockLost, TimedOut
from deploy_action.estimation.accuracy import accuracy_of
from deploy_action.estimation.forecast import NoForecast
from deploy_action.history.operations import runs_of
from deploy_action.inputs.settings import LogDetail, Mode, OnLostLock
from deploy_action.job.coordination import Coordination
from deploy_action.job.estimates import Expecting, sentence
from deploy_action.job.job_log import optional
from deploy_action.job.open_notifier import open_channel
from deploy_action.monitoring.closing_budget import Closing
from deploy_action.monitoring.final_status import confirmed, outputs_of
from deploy_action.monitoring.status_polling import wait_by_status
from deploy_action.monitoring.watch_loop import End, WatchLoop
from deploy_action.reporting.comparison import compared
from deploy_action.reporting.log.folding import Folding
from deploy_action.reporting.log.lines import cause_annotation
from deploy_action.reporting.remarks import remarks_on_success
from deploy_action.reporting.report import failure_causes
from deploy_action.reporting.resource_activity import resource_activities
from deploy_action.wiring import Wiring

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.cloudformation.stacks import StackState
    from deploy_action.estimation.forecast import Forecast
    from deploy_action.estimation.planned_changes import PlannedChanges
    from deploy_action.history.deployments import DeploymentHistory
    from deploy_action.history.operations import OperationRecord
    from deploy_action.inputs.settings import Settings
    from deploy_action.job.context import JobContext
    from deploy_action.job.state import JobState
    from deploy_action.monitoring.event_stream import EventStream, Poll

CLEANUP_SUFFIX = "_CLEANUP_IN_PROGRESS"
ANNOTATIONS_MAX = 5
"""Of the 10 errors that GitHub shows for one use of the action."""
UNCHANGED_MAX = 20
"""At most this many unchanged stacks are asked for their outputs."""


class Deployment:
    """One deployment in its job. What becomes known goes into `state.report`."""

    def __init__(self, job: JobContext, settings: Settings, state: JobState) -> None:
        self.job = job
        self.settings = settings
        self.state = state
        self.reporter = job.reporter
        self.wiring = Wiring(settings, job.run, job.environ, monotonic=job.clock.monotonic)
        self.cloudformation = self.wiring.cloudformation
        self.looks = self.wiring.looks
        self.looker = optional(self.reporter, "Looking behind resources", self.wiring.looker)
        self.unwatched = bool(job.environ.get("DEPLOY_COORDINATOR_UNWATCHED"))
        """Coordinators died again and again: do without all that the deployment can do without."""
        if not self.unwatched:
            channel = optional(
                self.reporter, "The channel", lambda: open_channel(job, self.wiring, settings, state)
            )
            self.reporter.channel = channel or self.reporter.channel
        self._expecting = Expecting(job, self.wiring, state)
        self.templates = Templates(self.cloudformation, settings)
        self.closing = Closing(job.clock, cancelled=job.cancelled)
        self.wiring.aws.limit(self.closing.left_seconds)
        self.plans: tuple[PlannedChanges, ...] = ()
        self.forecast: Forecast = NoForecast()
        self._past: DeploymentHistory | None = None
        self.watcher: EventStream | None = None
        self._foreseen: float | None = None
        self.coordination = Coordination(job, self.wiring, settings, state, left=self._left_seconds)
        self.coordination.resume()
        self.restarts = max(state.starts - 1, _number(job.environ.get("DEPLOY_COORDINATOR_RESTARTS", "")))

    def report(self, **changes: object) -> None:
        self.state.report = replace(self.state.report, **changes)  # type: ignore[arg-type]  # checked by the class

    def fence(self) -> None:
        """The last moment before something changes: is the lock still ours? Raises LockLost, Cancelled."""
        if self.job.cancelled():
            raise Cancelled("Cancelled before anything was changed.")
        began = self.job.clock.monotonic()
        if self.coordination.fence():
            self.waited(self.job.clock.monotonic() - began)
        if self.job.cancelled():
            raise Cancelled("Cancelled before anything was changed.")

    def keep_lock(self) -> None:
        """A sign of life here, and in the registry when it is time to. Raises LockLost, once."""
        self.job.folder.sign(self.job.clock.monotonic())
        try:
            self.coordination.keep()
        except LockLost as error:
            settings = self.settings
            if settings.mode is Mode.COMMAND and settings.on_lost_lock is OnLostLock.STOP:
                raise EndedWithoutLock(
                    f"The command was ended, as `on-lost-lock: stop` asks. {error.what}",
                    why="Others may deploy by now. CloudFormation continues the operation by itself.",
                    remedy="Look at the stacks in the console before you deploy again.",
                ) from error
            raise
        self.reporter.channel.tick()

    def keep_waiting(self) -> None:
        """The same while nothing has begun yet. Raises LockLost, and TimedOut once the time-out is over."""
        self.keep_lock()
        limit = self.settings.timeout_seconds
        if limit is not None and self.seconds() >= limit:
            raise TimedOut(
                f"Nothing had begun when `timeout-in-minutes` ({duration(limit)}) was over.",
                why="Nothing was deployed.",
                remedy="See above what was waited for, or raise `timeout-in-minutes`.",
            )

    def checkpoint(self) -> None:
        """Write down how far this deployment is, for a coordinator that has to go on from here."""
        self.coordination.remember()
        self.report(notes=tuple(self.reporter.notes))
        optional(self.reporter, "Keeping the state", lambda: self.job.folder.save(self.state))

    def expect(self, *plans: PlannedChanges) -> None:
        """Publishes the planned changes, as far as they are known; tells how long it is expected to take."""
        self.plans = plans
        if not self.unwatched:
            optional(self.reporter, "The estimate", self._estimate)

    def _estimate(self) -> None:
        forecast = self._expecting.forecast(self.plans)
        estimate = forecast.estimate
        self.forecast, self._past = forecast, forecast.past
        if estimate is not None:
            known = estimate == self.state.report.estimate
            stacks = [plan.stack for plan in self.plans]
            self.report(estimate=estimate, accuracy=accuracy_of(forecast.past.scored(stacks)))
            if not known:
                self.reporter.line(sentence(estimate))
            self.reporter.channel.expected(self.state.report)

    def foresee(self, plan: PlannedChanges) -> None:
        """The fence publishes the expected end to waiters, before anything begins. `expect` tells of what is
        wrong."""
        if not self.unwatched:
            with suppress(Exception):
                estimate = self._expecting.forecast((plan,)).estimate
                self._foreseen = estimate.mid_seconds if estimate is not None else None

    def _left_seconds(self) -> float | None:
        """For those who wait for the lock: what is left of this deployment."""
        try:
            if self.watcher is not None:
                now = self.cloudformation.their_time() or CloudFormationTime(self.job.clock.now())
                left = self.forecast.remaining(self.watcher.operation, now=now)
                return left.mid_seconds if left is not None else None
            estimate = self.state.report.estimate
            return self._foreseen or (estimate.mid_seconds if estimate is not None else None)
        except Exception:  # noqa: BLE001 - the lock is kept, whatever may be wrong with an estimate
            return None

    def watch(
        self,
        watcher: EventStream,
        done: Callable[[], bool],
        *,
        gives_up: bool = True,
        first_event_seconds: float | None = None,
        hurry: Callable[[], bool] = lambda: False,
        limit_seconds: float | None = None,
    ) -> End:
        """Until `done`. `limit_seconds`: from now, instead of what the time-out leaves."""
        watcher.forecast = self.forecast
        self.watcher = watcher
        session = WatchLoop(
            watcher,
            self.job.clock,
            self.reporter,
            done,
            self.job.cancelled,
            timeout_seconds=self.settings.timeout_seconds if limit_seconds is None else limit_seconds,
            keep_lock=self.keep_lock,
            gives_up=gives_up,
            first_event_seconds=first_event_seconds,
            elapsed_seconds=self.seconds() if limit_seconds is None else 0.0,
            hurry=hurry,
            looker=self.looker,
            closing=self.closing,
            estimate=self.state.report.estimate,
            stall_after_seconds=self.settings.stall_after_seconds,
            alerts=frozenset(self.state.alerts),
            keep_alerts=self._keep_alerts,
        )
        self.reporter.forecast = self.forecast
        # A command writes into the log itself: its words are not ours to fold away.
        self.reporter.grouped = self.settings.mode is not Mode.COMMAND
        self.reporter.folding = Folding() if self.settings.log is LogDetail.CALM else None
        try:
            return session.run()
        finally:
            self.reporter.end_groups()

    def _keep_alerts(self, alerts: frozenset[str]) -> None:
        """Before people are told: a watch that is killed in between leaves one out rather than repeats it."""
        self.state.alerts = sorted(alerts)
        optional(self.reporter, "Keeping the state", lambda: self.job.folder.save(self.state))

    def watch_by_status(
        self,
        look: Callable[[], bool],
        *,
        gives_up: bool = True,
        began: Callable[[], bool] = lambda: True,
        first_sign_seconds: float = 0.0,
    ) -> End:
        """The same without events: `look` asks CloudFormation whether it has ended."""
        return wait_by_status(
            look,
            self.job.clock,
            self.reporter,
            cancelled=self.job.cancelled,
            keep_lock=self.keep_lock,
            timeout_seconds=self.settings.timeout_seconds,
            elapsed_seconds=self.seconds(),
            gives_up=gives_up,
            began=began,
            first_sign_seconds=first_sign_seconds,
        )

    def read_all(self, watcher: EventStream) -> Poll:
        """One look at everything, outside a watch."""
        self.closing.begin()
        return watcher.poll(
            self.job.clock.monotonic(), complete=True, stop=self.closing.over, pause=self.closing.pause
        )

    def read_roots(self, watcher: EventStream) -> Poll:
        """The same, of root stacks only and what is new of them: when there is little time."""
        return watcher.poll_roots(self.job.clock.monotonic())

    def waited(self, seconds: float) -> None:
        """Time that belongs to the queue, not to the deployment."""
        self.state.waited_seconds += seconds
        self.report(queue_seconds=self.state.report.queue_seconds + seconds)

    def seconds(self) -> float:
        """Since `main` began, also across a restart of it, without what belongs to the queue."""
        return max(0.0, self.job.clock.monotonic() - self.state.main_began - self.state.waited_seconds)

    def read_outcome(self, watcher: EventStream, *, ours_only: bool) -> Outcome:
        """Read how it ended into the report; `unknown` where it has not ended or cannot be read."""
        operation = watcher.operation
        lines, outputs, notes = confirmed(self.cloudformation, self.closing, operation, ours_only=ours_only)
        for note in notes:
            self.reporter.note(note)
        outcome = outcome_of(lines)
        if outcome.good:
            outputs |= self._unchanged(operation)[1]
            for remark in remarks_on_success(operation):
                self.reporter.note(remark)
        self.report(
            outcome=outcome,
            stacks=lines,
            outputs=outputs,
            started=operation.started,
            ended=operation.ended,
            bars=resource_activities(operation),
            causes=failure_causes(operation, outcome),
            cleanup=optional(
                self.reporter,
                "The look at what is left",
                lambda: () if outcome.good else cleanup_of(operation),
            )
            or (),
            runs=optional(self.reporter, "Learning from this deployment", lambda: self._runs(operation))
            or (),
        )
        optional(self.reporter, "The comparison with earlier ones", lambda: self._compare(operation))
        if self.looker is not None and not outcome.good and not self.job.cancelled():
            self.reporter.found(self.looker.finish(operation))
            self.report(behind=self.looker.about(operation))
        return outcome

    def _runs(self, operation: Operation) -> tuple[OperationRecord, ...]:
        return runs_of(operation, planned={plan.stack: plan.touched for plan in self.plans})

    def _compare(self, operation: Operation) -> None:
        if self._past is not None:
            bars = resource_activities(operation, self.forecast)
            bars, comparisons = compared(bars, self.state.report.runs, self._past)
            self.report(bars=bars, comparisons=comparisons)

    def left_as_it_was(self) -> None:
        """Nothing was changed: tell status and outputs all the same."""
        self.report(outcome=Outcome.NO_CHANGES)
        lines, outputs = self._unchanged(Operation(self.settings.stacks))
        self.report(stacks=lines, outputs=outputs)

    def _unchanged(self, operation: Operation) -> tuple[tuple[StackLine, ...], dict[str, str]]:
        """Statuses and outputs of the stacks that were asked for by name and on which nothing was done."""
        known = {(root.region, root.name) for root in operation.roots}
        lines: list[StackLine] = []
        outputs: dict[str, str] = {}
        for ref in self.settings.stacks[:UNCHANGED_MAX]:
            if ref.is_glob or (ref.region, ref.short_name) in known or self.closing.over():
                continue
            state = optional(
                self.reporter,
                "The look at the stack's outputs",
                lambda ref=ref: self.cloudformation.describe(ref),  # type: ignore[misc]
            )
            if state is not None:
                lines.append(_line(state))
                outputs |= outputs_of(state, operation)
        return tuple(lines), outputs

    def _no_cause(self) -> str:
        if self.watcher is not None and self.watcher.readable and self.watcher.began:
            return "CloudFormation gives none"
        return "unknown, since the stack's events could not be read"

    def outcome_by_status(self, state: StackState, begun: str) -> Outcome:
        """The same from `DescribeStacks` alone; the causes stay unknown. `begun`: CREATE or UPDATE."""
        line = replace(_line(state), begun=begun)
        outcome = outcome_of((line,))
        self.report(outcome=outcome, stacks=(line,), outputs=state.outputs)
        return outcome

    def judge(self, end: End, outcome: Outcome, *, undone: str = "") -> None:
        """Raise what a verdict other than success means for the step. `undone`: what was asked for when the
        deployment was stopped; it is no success then, however it ended."""
        status = self.state.report.stack_status or "status unknown"
        limit = duration(self.settings.timeout_seconds or 0)
        stopped = error_of_stop(end, status=status, undone=undone, limit=limit)
        if stopped is not None:
            raise stopped
        if outcome is Outcome.UNKNOWN and end is End.TIMED_OUT:
            outcome = self._only_cleans_up()
        if outcome in {Outcome.FAILED, Outcome.ROLLED_BACK}:
            self.fail()
        if outcome is Outcome.UNKNOWN:
            raise error_of_unknown(end, status=status, limit=limit, unread=self.reporter.unread)

    def _only_cleans_up(self) -> Outcome:
        """How it ended, where no more than clean-up was under way when the time was up."""
        stacks = self.state.report.stacks
        done = tuple(replace(stack, status=stack.status.replace(CLEANUP_SUFFIX, "")) for stack in stacks)
        outcome = outcome_of(done)
        if outcome is not Outcome.UNKNOWN:
            ended = "is done and cannot roll back any more" if outcome.good else "has ended"
            self.report(outcome=outcome)
            self.reporter.note(
                f"The update {ended}; CloudFormation still deletes what it replaced or removed, and that did "
                f"not end within {duration(self.settings.timeout_seconds or 0)}."
            )
        return outcome

    def fail(self, *, despite: str = "") -> None:
        """Annotate the causes and raise DeploymentFailed."""
        report = self.state.report
        for cause in report.causes[:ANNOTATIONS_MAX]:
            self.reporter.once(f"cause {cause.stack_id} {cause.logical_id}", cause_annotation(cause))
        for line in cleanup.lines(report.cleanup):
            self.reporter.log.write(line)
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


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
