"""Reports a deployment in the job log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from deploy_action.common.escape import log_text
from deploy_action.common.instants import CloudFormationTime
from deploy_action.common.times import duration
from deploy_action.errors import CoordinatorError, PlanOutdated
from deploy_action.estimation.forecast import NoForecast
from deploy_action.job.notifier import Notifier
from deploy_action.reporting import alerts
from deploy_action.reporting.log import lines as render
from deploy_action.reporting.log.folding import EveryEvent
from deploy_action.reporting.log.groups import Groups
from deploy_action.reporting.log.progress import Progress
from deploy_action.reporting.shared_causes import shared_cause, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deploy_action.cloudformation.events import StackEvent
    from deploy_action.cloudformation.operation import Activity, Operation
    from deploy_action.cloudformation.stacks import StackState
    from deploy_action.common.ports import Clock
    from deploy_action.diagnosis.causes import Cause
    from deploy_action.diagnosis.service_lookups import Finding
    from deploy_action.estimation.forecast import Forecast
    from deploy_action.github.runner_files import JobLog
    from deploy_action.history.estimate import Estimate
    from deploy_action.locking.transitions import Waiting
    from deploy_action.monitoring.stall import StallChange


T = TypeVar("T")


_SAID_BY_PARENT = frozenset(
    f"{action}_{end}"
    for action in ("CREATE", "UPDATE", "DELETE", "IMPORT")
    for end in ("IN_PROGRESS", "COMPLETE")
)


TELL_WAITING_SECONDS = (60.0, 120.0, 300.0)
"""A waiter is told again after these times, the last one repeated."""


@dataclass(slots=True)
class JobLogReporter:
    """Speaks in the job log. `notes` collects what degraded, for the summary."""

    log: JobLog
    clock: Clock
    style: render.LogStyle
    notes: list[str] = field(default_factory=list)
    printed: set[str] = field(default_factory=set)
    on_printed: Callable[[str], None] = lambda _event_id: None
    """Called with the id of each event at once after it was printed."""
    forecast: Forecast = field(default_factory=NoForecast)
    channel: Notifier = field(default_factory=Notifier)
    """Is told the same, where a channel was asked for."""
    grouped: bool = True
    """Fold the log by phases; not where somebody else writes into it meanwhile."""
    folding: EveryEvent = field(default_factory=EveryEvent)
    """Leaves out what a calm log does without."""
    command_works: Callable[[], bool] = lambda: False
    """Whether the deployment's own command has not ended yet."""
    unread: CoordinatorError | None = None
    """Why CloudFormation could not be asked the last time that it could not."""
    _progress: Progress = field(default_factory=Progress)
    _groups: Groups = field(default_factory=Groups)
    _remarks: list[Finding] = field(default_factory=list)
    _told: object = None
    _told_at: float = 0.0
    _told_times: int = 0

    def line(self, text: str) -> None:
        """One line of our own words; what it quotes from outside is made harmless."""
        self.log.write(log_text(text))

    def note(self, sentence: str) -> None:
        """Something degraded: told in the log, in the summary, and on the run's page; there the first time
        only, and of a cause that many share in full only once."""
        if self.knows_cause(sentence):
            sentence = shortened(sentence, shared_cause(sentence))
            self.notes += [sentence] * (sentence not in self.notes)
            self.line(sentence)
            return
        known = sentence in self.notes
        self.notes.append(sentence)
        if known:
            self.line(sentence)
        else:
            self.log.write(render.warning_annotation("deploy-coordinator", sentence))

    def alert(self, now: str, afterwards: str) -> None:
        """A warning in the log and on the run's page; the summary, which is read afterwards, says it so."""
        self.notes.append(afterwards)
        self.log.write(render.warning_annotation("deploy-coordinator", now))

    def knows_cause(self, sentence: str) -> bool:
        """Its text was reported before as the cause of something else."""
        cause = shared_cause(sentence)
        return bool(cause) and any(cause in note for note in self.notes)

    def error(self, error: CoordinatorError) -> None:
        """An error that ends the step, behind the difference that it is about."""
        for said in error.said if isinstance(error, PlanOutdated) else ():
            self.line(f"  {said}")
        self.log.write(render.error_annotation("deploy-coordinator", error.annotation or str(error)))

    def once(self, key: str, line: str) -> None:
        """Write what is written once a job, also where the step is killed and started again."""
        if key not in self.printed:
            self.log.write(line)
            self.printed.add(key)
            self.on_printed(key)

    def events(self, events: tuple[StackEvent, ...], operation: Operation) -> None:
        """One write an event, and its id written down after it: what is killed in between repeats one at
        most."""
        shown: list[tuple[StackEvent, str]] = []
        for event in events:
            rendered = self._rendered(event, operation)
            if event.event_id in self.printed or _parent_says_it(event, operation):
                self.folding.seen(event)
                continue
            shown += self.folding.take(event, rendered)
        for event, text in sorted(shown, key=lambda each: each[0].timestamp):
            self._show(event, text, operation)
        if events:
            self._show_progress(operation, now=CloudFormationTime(max(event.timestamp for event in events)))

    def _show(self, event: StackEvent, lines: str, operation: Operation | None) -> None:
        if lines:
            opening = self._opening(event, operation) if operation is not None else []
            self.log.write("\n".join([*opening, lines]))
        self.printed.add(event.event_id)
        self.on_printed(event.event_id)

    def _show_progress(self, operation: Operation, *, now: CloudFormationTime) -> None:
        done = self._progress.of(self.forecast.planned)
        self.channel.progressed(operation, self.forecast, done, now=now)

    def end_groups(self) -> None:
        """Later lines stand outside of any group: it must be seen without a click."""
        for event, text in self.folding.rest():
            self._show(event, text, None)
        lines = self._groups.end()
        if lines:
            self.log.write("\n".join(lines))

    def _opening(self, event: StackEvent, operation: Operation) -> list[str]:
        """A defect in the groups costs the fold, not the watch."""
        try:
            return self._groups.before(event, operation) if self.grouped else []
        except Exception:  # noqa: BLE001 - the first law
            return []

    def _rendered(self, event: StackEvent, operation: Operation) -> str:
        """A defect in the rendering costs the looks of a line, not the watch."""
        try:
            activity = _activity_of(event, operation)
            counts = self._progress.take(event, activity, operation)
            done = self._progress.of(self.forecast.planned) if counts else None
            return self.style.event(event, activity, operation, forecast=self.forecast, done=done)
        except Exception:  # noqa: BLE001 - the first law
            return log_text(f"{event.status}  {event.logical_id}  {event.reason}")

    def looked(self, operation: Operation, *, now: CloudFormationTime) -> None:
        """Shows the starts of resources that take a while by now."""
        for event, lines in self.folding.due(now):
            self._show(event, lines, operation)

    def quiet(
        self, operation: Operation, *, now: CloudFormationTime, unanswered_since: CloudFormationTime | None
    ) -> None:
        started = operation.started
        elapsed = now - started if started is not None else 0.0

        def tell() -> None:
            done = self._progress.of(self.forecast.planned)
            line = self.style.heartbeat(
                operation,
                elapsed,
                now=now,
                forecast=self.forecast,
                done=done,
                unanswered_since=unanswered_since,
                command_works=self.command_works(),
            )
            self.log.write(line)

        self.looked(operation, now=now)
        optional(self, "The heartbeat", tell)
        if unanswered_since is None:
            self._show_progress(operation, now=now)

    def stalled(self, change: StallChange, operation: Operation) -> None:
        """A resource takes longer than usual and is silent."""
        optional(
            self,
            "A warning",
            lambda: self.alert(alerts.stalled(change, operation), alerts.stalled_before(change)),
        )
        self.channel.stalled(change, operation)

    def moving(self, change: StallChange, operation: Operation) -> None:
        """A stall is over."""
        optional(self, "The end of a warning", lambda: self.line(alerts.moving(change)))
        self.channel.stalled(change, operation)

    def overdue(self, elapsed_seconds: float, estimate: Estimate) -> None:
        """The whole deployment takes longer than expected."""
        optional(
            self,
            "A warning",
            lambda: self.alert(alerts.overdue(elapsed_seconds, estimate), alerts.overdue_before(estimate)),
        )
        self.channel.overdue(estimate)

    def warned(self, cause: Cause) -> None:
        """An early sign that something will fail."""

        def tell() -> None:
            sentence = alerts.warned(cause)
            self.line(sentence)
            self.log.write(render.warning_annotation("Early warning", sentence))

        optional(self, "An early warning", tell)
        self.channel.warned(cause)

    def found(self, findings: Sequence[Finding]) -> None:
        """Findings of services about silent or failed resources. What is wrong with a service itself stands
        at the end, away from the events of a failure."""
        self._remarks += [finding for finding in findings if not finding.label]
        for finding in findings:
            if not finding.label:
                continue
            optional(self, "A finding", lambda found=finding: self.log.write(self.style.finding(found)))  # type: ignore[misc]

    def remarks(self) -> None:
        """Remarks of services about themselves."""
        for finding in self._remarks:
            optional(
                self,
                "A remark",
                lambda found=finding: self.once(found.key.replace("\n", " "), self.style.finding(found)),  # type: ignore[misc]
            )
        self._remarks.clear()

    def trouble(self, sentence: str, error: CoordinatorError | None = None) -> None:
        """`error`: why CloudFormation could not be asked, where that is what troubles."""
        self.unread = error or self.unread
        self.note(sentence)

    def waiting(self, waiting: Waiting) -> None:
        """Told when those ahead change, and at growing intervals."""
        ahead = tuple((ticket.nonce, ticket.holding, bool(ticket.expected_end)) for ticket in waiting.ahead)
        trouble = bool(waiting.remarks), waiting.away_seconds is not None
        if self._worth_telling((ahead, waiting.freeze, trouble)):
            self.log.write(self.style.waiting(waiting, now=self.clock.now()))
        self.channel.queued(waiting)

    def waiting_for_stacks(self, busy: list[StackState], waited_seconds: float) -> None:
        if self._worth_telling(tuple((state.stack_id, state.status) for state in busy)):
            names = ", ".join(f"{state.ref} ({state.status})" for state in busy[:5])
            self.line(
                f"CloudFormation is still working on {names}, begun by somebody else or left by an earlier "
                f"deployment; waited {duration(waited_seconds)} so far."
            )

    def waiting_for_registry(self, why: str, waited_seconds: float) -> None:
        """Nothing is changed before the registry answers. Told when the reason changes, and at growing
        intervals."""
        if self._worth_telling(why):
            self.line(f"Waiting for the registry, {duration(waited_seconds)} so far. {why}")

    def _worth_telling(self, what: object) -> bool:
        now = self.clock.monotonic()
        if what != self._told:
            self._told, self._told_times = what, 0
        else:
            interval = TELL_WAITING_SECONDS[min(self._told_times, len(TELL_WAITING_SECONDS)) - 1]
            if now - self._told_at < interval:
                return False
        self._told_at = now
        self._told_times += 1
        return True


def _parent_says_it(event: StackEvent, operation: Operation) -> bool:
    """The start and the good end of a nested stack: its parent has an event of the same for it."""
    stack = operation.stacks.get(event.stack_id)
    return event.is_stack and stack is not None and bool(stack.path) and event.status in _SAID_BY_PARENT


def _activity_of(event: StackEvent, operation: Operation) -> Activity | None:
    """The activity that an event belongs to. The operation may know later ones of the resource already."""
    stack = operation.stacks.get(event.stack_id)
    if stack is None or event.is_stack:
        return None
    own = (
        activity
        for activity in reversed(stack.activities)
        if activity.logical_id == event.logical_id
        and activity.action == event.action
        and activity.started <= event.timestamp
    )
    return next(own, None)


def optional(reporter: JobLogReporter, what: str, call: Callable[[], T]) -> T | None:
    """Do something that a deployment can do without: whatever goes wrong in it becomes a note."""
    try:
        return call()
    except (CoordinatorError, OSError) as error:
        reporter.note(f"{what} failed: {error}")
    except Exception as error:  # noqa: BLE001 - the first law: a defect here must not stop a deployment
        reporter.note(f"{what} failed by a defect of deploy-coordinator: {type(error).__name__}: {error}")
    return None
