"""How a view of a deployment comes about and goes on: from reports, the queue, and operations.

Each function takes the view so far and gives the next one; `at` is unix seconds of this machine.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.cloudformation.operation import Phase, phase_of
from deploy_action.cloudformation.outcome import Outcome
from deploy_action.cloudformation.stacks import console_url
from deploy_action.common.instants import CloudFormationTime
from deploy_action.common.times import unix_seconds
from deploy_action.diagnosis.causes import causes_of
from deploy_action.reporting.stack_outputs import chosen
from deploy_action.slack.view import (
    LISTED_MAX,
    OUTPUTS_MAX,
    Ahead,
    CauseSeen,
    DeploymentView,
    Frozen,
    Gap,
    NotificationEvent,
    Origin,
    QueueSeen,
    RegistryNews,
    ResourceSeen,
    StackSeen,
    cut,
    cut_middle,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deploy_action.cloudformation.operation import Activity, Operation
    from deploy_action.cloudformation.stacks import StackRef
    from deploy_action.diagnosis.causes import Cause
    from deploy_action.history.estimate import Estimate
    from deploy_action.locking.document import Freeze, Ticket
    from deploy_action.locking.transitions import Waiting
    from deploy_action.monitoring.stall import StallChange
    from deploy_action.reporting.report import Report


def new_view(
    report: Report,
    stacks: Sequence[StackRef],
    *,
    at: float,
    moment: NotificationEvent = NotificationEvent.STARTED,
    origin: Origin = Origin(),  # noqa: B008 - frozen
    mentions: Iterable[str] = (),
) -> DeploymentView:
    """The first view, before anything was queued for or begun."""
    return DeploymentView(
        correlation_id=cut(report.correlation_id),
        moment=moment,
        at=at,
        environment=cut(report.environment),
        stacks=tuple(_of_ref(stack) for stack in stacks),
        origin=origin,
        links=report.links,
        locks=report.locks,
        mentions=tuple(mentions),
        queue_seconds=report.queue_seconds,
        estimate=report.estimate,
        fallback=cut_middle(report.cautions),
    )


def queued(
    view: DeploymentView, waiting: Waiting, *, at: float, moment: NotificationEvent = NotificationEvent.QUEUED
) -> DeploymentView:
    """In the queue; with `moment=STUCK_IN_QUEUE` for longer than somebody should wait unseen."""
    seen = QueueSeen(
        position=waiting.position,
        ahead=tuple(_ahead(ticket) for ticket in waiting.ahead[:LISTED_MAX]),
        waited_seconds=waiting.waited_seconds,
        since=at - waiting.waited_seconds,
        gives_up=at - waiting.waited_seconds + waiting.timeout_seconds if waiting.timeout_seconds else None,
        turn=None if waiting.turn_seconds is None else at + waiting.turn_seconds,
        frozen=_frozen(waiting.freeze),
        remarks=tuple(cut(remark) for remark in waiting.remarks[:LISTED_MAX]),
        away_seconds=waiting.away_seconds,
    )
    return view.at_moment(moment, at=at, queue=seen)


def started(view: DeploymentView, report: Report, *, at: float) -> DeploymentView:
    """The lock is held and the deployment begins; also once its estimate is known."""
    return view.at_moment(
        NotificationEvent.STARTED,
        at=at,
        started=at if view.started is None else view.started,
        queue=None,
        queue_seconds=report.queue_seconds,
        estimate=report.estimate,
        locks=report.locks,
        teardown=report.teardown,
        fallback=cut_middle(report.cautions),
    )


def progressed(
    view: DeploymentView,
    operation: Operation,
    *,
    at: float,
    now: CloudFormationTime,
    left: Estimate | None = None,
    done: tuple[int, int] | None = None,
    moment: NotificationEvent = NotificationEvent.PROGRESS,
) -> DeploymentView:
    """While it runs. `now`: unix seconds of CloudFormation, for what is measured on its clock; `done`: how
    many resources are done and of how many."""
    running = operation.running
    since = operation.started
    causes = causes_of(operation)
    labels = {operation.name_of_activity(one): one for one in running}
    return view.at_moment(
        moment,
        at=at,
        queue=None,
        started=view.started if since is None else at - max(0.0, now - since),
        stacks=_known(view.stacks, operation),
        left=left,
        done=operation.done_count() if done is None else done[0],
        planned=None if done is None else done[1],
        rolling_back=any(phase_of(r.status) is Phase.ROLLBACK for r in operation.roots if r.in_progress),
        running=tuple(_resource(one, operation, now) for one in running[:LISTED_MAX]),
        running_count=len(running),
        stalled=tuple(
            replace(one, seconds=labels[one.label].seconds(now))
            for one in view.stalled
            if one.label in labels
        ),
        causes=tuple(_cause(cause) for cause in causes[:LISTED_MAX]),
        cause_count=len(causes),
    )


def stalled(view: DeploymentView, change: StallChange, operation: Operation, *, at: float) -> DeploymentView:
    """A stall that began or is over (`change.began`), of one resource; others may stand still besides."""
    subject = _stall(change, operation)
    others = tuple(one for one in view.stalled if one.label != subject.label)
    return view.at_moment(
        NotificationEvent.STALLED if change.began else NotificationEvent.MOVING,
        at=at,
        subject=subject,
        stalled=(*others, subject)[-LISTED_MAX:] if change.began else others,
    )


def overdue(view: DeploymentView, estimate: Estimate, *, at: float) -> DeploymentView:
    return view.at_moment(NotificationEvent.OVERDUE, at=at, late=True, estimate=estimate)


def warned(view: DeploymentView, cause: Cause, *, at: float) -> DeploymentView:
    """An early sign: it may fail."""
    return view.at_moment(NotificationEvent.WARNED, at=at, warning=_cause(cause))


def restarted(view: DeploymentView, gap_seconds: float | None, *, restarts: int, at: float) -> DeploymentView:
    """The watch was killed and goes on."""
    return view.at_moment(NotificationEvent.MONITOR_RESTARTED, at=at, gap=Gap(gap_seconds, restarts))


def taken_over(view: DeploymentView, sentence: str, *, at: float) -> DeploymentView:
    return view.at_moment(NotificationEvent.TAKEOVER, at=at, remark=cut(sentence))


def registry_changed(view: DeploymentView, news: RegistryNews, sentence: str, *, at: float) -> DeploymentView:
    """The registry's loss or return, or what there is to say of it, in its own words."""
    fallback = view.fallback if news is RegistryNews.NOTE else cut(sentence)
    moment = NotificationEvent.REGISTRY_FALLBACK
    return view.at_moment(moment, at=at, registry_news=news, remark=cut(sentence), fallback=fallback)


def ended(
    view: DeploymentView, report: Report, *, at: float, shown: Sequence[str] = (), timed_out: bool = False
) -> DeploymentView:
    """How it ended. `shown` names the outputs that people are to see, of any stack or `STACK/NAME`; a name
    that ends in `*` stands for all that begin so."""
    stacks = tuple(StackSeen(s.region, s.name, s.status, s.console) for s in report.stacks) or view.stacks
    return view.at_moment(
        moment_of(
            report.outcome,
            timed_out=timed_out,
            not_started=report.not_started and not report.needs_repair,
        ),
        at=at,
        environment=cut(report.environment) or view.environment,
        stacks=stacks,
        links=report.links,
        locks=report.locks or view.locks,
        queue=None,
        queue_seconds=report.queue_seconds,
        estimate=report.estimate,
        left=None,
        running=_still_open(report),
        running_count=0,
        stalled=(),
        outcome=report.outcome,
        not_started=report.not_started,
        duration_seconds=report.duration_seconds,
        causes=tuple(_cause(cause) for cause in report.causes[:LISTED_MAX]),
        cause_count=len(report.causes),
        failure=report.failure,
        exit_code=report.command_exit_code,
        deleted=report.deleted,
        teardown=report.teardown,
        outputs=_outputs(report.outputs, shown),
        fallback=cut_middle(report.cautions),
        notes=tuple(cut(note) for note in report.notes[:LISTED_MAX]),
    )


def _still_open(report: Report) -> tuple[ResourceSeen, ...]:
    """The activities in progress when watching stopped, longest first."""
    return tuple(
        ResourceSeen(cut(bar.label), bar.resource_type, bar.action, status=bar.status)
        for bar in [bar for bar in report.bars if bar.ended is None][:LISTED_MAX]
    )


def moment_of(outcome: Outcome, *, timed_out: bool = False, not_started: bool = False) -> NotificationEvent:
    """The words of a verdict; `timed_out` where the deployment did not end in its time, `not_started` where
    it was refused before anything was changed, and a new request is all that it takes."""
    if timed_out and not outcome.good:
        return NotificationEvent.TIMED_OUT
    if not_started and not outcome.good:
        return NotificationEvent.NOT_STARTED
    return {
        Outcome.SUCCEEDED: NotificationEvent.COMPLETE,
        Outcome.NO_CHANGES: NotificationEvent.COMPLETE,
        Outcome.FAILED: NotificationEvent.FAILED,
        Outcome.ROLLED_BACK: NotificationEvent.ROLLED_BACK,
        Outcome.BUSY: NotificationEvent.BUSY,
        Outcome.SKIPPED: NotificationEvent.SKIPPED,
        Outcome.CANCELLED: NotificationEvent.CANCELLED,
        Outcome.UNKNOWN: NotificationEvent.UNKNOWN,
    }[outcome]


def _of_ref(stack: StackRef) -> StackSeen:
    console = console_url(stack.region, stack.name) if stack.name.startswith("arn:") else ""
    return StackSeen(stack.region, cut(stack.short_name), console=console)


def _known(before: tuple[StackSeen, ...], operation: Operation) -> tuple[StackSeen, ...]:
    """Those that events tell of take the place of what was asked for by name; globs stay until the end."""
    seen = {
        (root.region, root.name): StackSeen(
            root.region, root.name, root.status, console_url(root.region, root.stack_id)
        )
        for root in operation.roots
        if root.status
    }
    asked = {(stack.region, stack.name): stack for stack in before}
    return tuple((asked | seen).values())


def _ahead(ticket: Ticket) -> Ahead:
    return Ahead(
        correlation_id=cut(ticket.correlation_id),
        actor=cut(ticket.actor),
        url=cut(ticket.url),
        holding=ticket.holding,
        since=unix_seconds(ticket.held_since),
        expected_end=unix_seconds(ticket.expected_end),
        stacks=tuple(cut(stack) for stack in ticket.stacks[:LISTED_MAX]),
    )


def _frozen(freeze: Freeze | None) -> Frozen | None:
    if freeze is None:
        return None
    return Frozen(cut(freeze.by), cut(freeze.reason), unix_seconds(freeze.until))


def _resource(activity: Activity, operation: Operation, now: CloudFormationTime) -> ResourceSeen:
    stack = operation.stacks[activity.stack_id]
    return ResourceSeen(
        label=cut(operation.name_of_activity(activity)),
        resource_type=cut(activity.resource_type),
        action=cut(activity.action),
        seconds=activity.seconds(now),
        status=cut(activity.status),
        console=console_url(stack.region, stack.stack_id),
    )


def _stall(change: StallChange, operation: Operation) -> ResourceSeen:
    seen = _resource(change.activity, operation, CloudFormationTime(0.0))
    usual = change.usual
    if usual is None:
        return replace(seen, seconds=change.seconds)
    return replace(
        seen,
        seconds=change.seconds,
        usual_low_seconds=usual.low_seconds,
        usual_high_seconds=usual.high_seconds,
        samples=usual.samples,
    )


def _cause(cause: Cause) -> CauseSeen:
    remedy = cause.remedy
    return CauseSeen(
        name=cut(cause.name),
        resource_type=cut(cause.resource_type),
        status=cut(cause.status),
        message=cut(cause.message),
        advice=cut(remedy.advice) if remedy is not None else "",
        source=remedy.source if remedy is not None else "",
    )


def _outputs(outputs: dict[str, str], shown: Sequence[str]) -> tuple[tuple[str, str], ...]:
    found = list(chosen(outputs, shown).items())[:OUTPUTS_MAX]
    return tuple((cut(name), cut(value)) for name, value in found)
