"""How long a deployment has left, while it runs.

What has finished counts no more; what runs longer than usual is expected to go on for a share of the time
that it has run, not to end at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.cloudformation.events import was_cancelled
from deploy_action.cloudformation.operation import Phase, phase_of
from deploy_action.cloudformation.stacks import STACK_TYPE
from deploy_action.estimation.critical_path import DRAWS, SHARES, Task, quantiles, totals
from deploy_action.estimation.estimator import (
    ALL,
    HERE,
    PRIOR,
    SAME,
    TAIL_FACTOR,
    basis_of,
    before,
    common_factor,
    deletions,
    gone_after,
    nested_cleanup,
    same_set,
    tasks_of,
    waits_of,
)
from deploy_action.estimation.planned_changes import Planned, PlannedChanges
from deploy_action.history.duration_distribution import DurationDistribution, fitted, spread
from deploy_action.history.estimate import Estimate
from deploy_action.history.operations import kind_of, phase_begins, stable_name
from deploy_action.history.resource_durations import overhead

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from deploy_action.cloudformation.operation import Activity, Operation, StackProgress
    from deploy_action.common.instants import CloudFormationTime
    from deploy_action.history.deployments import DeploymentHistory
    from deploy_action.history.estimate import Basis
    from deploy_action.history.operations import OperationRecord

ROLLBACKS = "rollbacks of this stack"
ROLLBACK_PRIOR = "usual rollbacks"

_UNDO_SECONDS = 5.0
"""The time that a rollback takes beyond its resources: from its status to the first deletion, and from the
last to the end."""
_RETRY_SECONDS, _RETRY_FACTOR = 181.0, 1.15
_ATTEMPTS = 3
"""A deletion that failed during clean-up or rollback is tried again, three times in all, after about three
minutes: what failed once mostly fails until the last."""
_END = DurationDistribution(1.2, 2.5)
_UNMADE = DurationDistribution(1.0, 2.0)
"""A creation that was refused at once leaves nothing: 36 of 42 rollbacks of such ended 1.8 to 5.7 s after
they began."""
_UNMADE_LATE = DurationDistribution(140.0, 1.1)
"""The other 6 of 42 took 131 to 154 s, never anything between; of which types is in `_SLOW_TO_GIVE_UP`."""
_UNMADE_LATE_AFTER_SECONDS = 10.0
"""A rollback that was not over by then is one of the late ones."""
_REFUSED_SECONDS = 10.0
"""A creation that failed later than this may have made something."""
_ASKED_TO_DELETE = frozenset({STACK_TYPE, "AWS::CloudFormation::CustomResource"})
"""Asked to delete also what they say they never made; so are custom resources under names of their own."""
_SLOW_TO_GIVE_UP = frozenset(
    {
        "AWS::ApiGateway::Account",
        "AWS::ApiGateway::RestApi",
        "AWS::AppConfig::ConfigurationProfile",
        "AWS::CloudFront::Distribution",
        "AWS::KMS::Key",
    }
)
_UNDO_FACTOR = 1.8
_ROLLBACK_FACTOR = 3.5
_NESTED_FACTOR = 1.3
_CLEANUP = DurationDistribution(1.0, 2.5)
"""A clean-up with nothing to delete (real event logs: 0.7 to 1.7 s)."""


@dataclass(frozen=True, slots=True)
class _Left:
    """Seconds, one a draw, and what they rest on."""

    drawn: list[float]
    basis: str
    samples: int


@dataclass(frozen=True, slots=True)
class _View:
    """One root stack. `seen`: (stable label, activity) of it and of all that is nested in it."""

    root: StackProgress
    plan: PlannedChanges
    seen: list[tuple[str, Activity]]
    past: DeploymentHistory
    now: CloudFormationTime

    def of(self, phase: Phase) -> list[tuple[str, Activity]]:
        return [(label, activity) for label, activity in self.seen if activity.phase is phase]

    def since(self, phase: Phase) -> float:
        """Seconds that the stack has been in this phase."""
        begun = phase_begins(self.root, phase, until=self.now + 0.01)
        return max(0.0, self.now - begun) if begun is not None else 0.0


def remaining(
    operation: Operation,
    plans: Mapping[str, PlannedChanges],
    past: DeploymentHistory,
    *,
    now: CloudFormationTime,
) -> Estimate | None:
    """Until all root stacks are at rest; None where none is in progress. `plans` by `REGION/NAME`."""
    found = [_of_root(operation, root, plans, past, now) for root in operation.roots if root.in_progress]
    if not found:
        return None
    drawn = [max(column) for column in zip(*(one.drawn for one in found), strict=True)]
    low, mid, high = (max(0.0, one) for one in quantiles(drawn))
    longest = max(found, key=lambda one: quantiles(one.drawn)[1])
    return Estimate(low, mid, high, longest.basis, longest.samples)


def _of_root(
    operation: Operation,
    root: StackProgress,
    plans: Mapping[str, PlannedChanges],
    past: DeploymentHistory,
    now: CloudFormationTime,
) -> _Left:
    name = f"{root.region}/{root.name}"
    plan = plans.get(name) or PlannedChanges(name, kind_of(root) or "update")
    view = _View(root, plan, _seen(operation, root), past, now)
    phase = phase_of(root.status)
    if phase is Phase.ROLLBACK:
        return _rollback(view)
    same = _alike(plan, view.seen, past)
    return _cleanup(view, same) if phase is Phase.CLEANUP else _deploy(view, same)


def _seen(operation: Operation, root: StackProgress) -> list[tuple[str, Activity]]:
    """(stable label, activity) of the root and all that is nested in it."""
    return [
        (stable_name(stack.label(activity.logical_id), activity.resource_type), activity)
        for stack in operation.stacks.values()
        if operation.root_of(stack) is root
        for activity in stack.activities
    ]


def _alike(
    plan: PlannedChanges, seen: Sequence[tuple[str, Activity]], past: DeploymentHistory
) -> list[OperationRecord]:
    """Earlier runs of the same touched set; where that is not known, the last that did all that is seen."""
    runs = past.good(plan.stack, plan.kind)
    if plan.changes is not None:
        return same_set(plan.touched, runs)
    labels = {label for label, activity in seen if activity.phase is Phase.DEPLOY}
    return next(([run] for run in reversed(runs) if labels <= {step.label for step in run.steps}), [])


def _deploy(view: _View, same: Sequence[OperationRecord]) -> _Left:
    root, plan, past, now = view.root, view.plan, view.past, view.now
    elapsed = max(0.0, now - (root.started if root.started is not None else now))
    expected = _expected(plan, same)
    deploy = view.of(Phase.DEPLOY)
    begun = {label for label, _ in deploy}
    tasks, bases = _running(plan.stack, deploy, past, now)
    to_come = [
        one
        for one in expected
        if one.label not in begun and (one.action != "DELETE" or plan.kind == "delete")
    ]
    more, more_bases = tasks_of(plan.stack, to_come, past)
    tasks += more
    bases += more_bases
    head, tail = overhead(past.good(plan.stack, plan.kind))
    drawn = _path(plan, tasks, past, start=max(0.0, head - elapsed))
    basis = SAME if same else basis_of(bases)
    shaken = _shaken(drawn, common_factor(HERE if same else basis))
    idle = 0.0 if tasks else max((activity.ended or now for _, activity in deploy), default=now)
    rest = spread(tail, TAIL_FACTOR)
    quiet = max(0.0, now - idle) if idle and deploy else 0.0
    after = _after(plan, expected, same, past)
    drawn = [
        seconds + rest.quantile(share, after=quiet) - quiet + later
        for seconds, share, later in zip(shaken, SHARES, after, strict=True)
    ]
    if plan.changes is None and not same:
        whole = before(plan, past)
        total = spread(whole.mid_seconds, max(1.05, whole.high_seconds / max(0.1, whole.mid_seconds)))
        drawn = [
            max(seconds, total.quantile(share, after=elapsed) - elapsed)
            for seconds, share in zip(drawn, SHARES, strict=True)
        ]
        basis = whole.basis if whole.basis == ALL else PRIOR
    return _Left(drawn, basis, len(same) or len(past.good(plan.stack, plan.kind)))


def _expected(plan: PlannedChanges, same: Sequence[OperationRecord]) -> tuple[Planned, ...]:
    """The steps to come: the plan's changes and, in nested stacks, what the last such run did."""
    found = {one.label: one for one in plan.changes or ()}
    if same:
        for step in same[-1].steps:
            found.setdefault(step.label, Planned(step.label, step.resource_type, step.action))
    return tuple(found.values())


def _running(
    stack: str, activities: Iterable[tuple[str, Activity]], past: DeploymentHistory, now: CloudFormationTime
) -> tuple[list[Task], list[tuple[Basis, float]]]:
    tasks: list[Task] = []
    bases: list[tuple[Basis, float]] = []
    for label, activity in activities:
        if activity.running:
            known = past.learned.expected(stack, label, activity.resource_type, activity.action)
            tasks.append(Task(label, activity.resource_type, known.spread, activity.seconds(now)))
            bases.append((known.basis, known.spread.mid))
    return tasks, bases


def _after(
    plan: PlannedChanges,
    expected: Sequence[Planned],
    same: Sequence[OperationRecord],
    past: DeploymentHistory,
) -> list[float]:
    """Seconds of the clean-up that is still to come."""
    if plan.kind != "update":
        return [0.0] * DRAWS
    if same:
        usual = fitted([max(0.3, run.cleanup_seconds) for run in same], factor=1.2, weight=3)
        return [usual.quantile(share) for share in SHARES]
    path = _path(plan, deletions(plan.stack, gone_after(expected), past), past, reverse=True)
    nested = nested_cleanup(plan, expected, past)
    return [seconds + max(_CLEANUP.mid, more) for seconds, more in zip(path, nested, strict=True)]


def _cleanup(view: _View, same: Sequence[OperationRecord]) -> _Left:
    plan, past, now = view.plan, view.past, view.now
    elapsed = view.since(Phase.CLEANUP)
    mine = view.of(Phase.CLEANUP)
    begun = {label for label, _ in mine}
    tasks, bases = _running(plan.stack, mine, past, now)
    tasks += _retries(mine, now)
    gone = [one for one in gone_after(plan.changes or ()) if one.label not in begun]
    tasks += deletions(plan.stack, gone, past)
    path = _path(plan, tasks, past, reverse=True)
    seconds = [run.cleanup_seconds for run in same if run.cleanup_seconds > 0]
    nested = [Planned(label, a.resource_type, a.action) for label, a in view.of(Phase.DEPLOY)]
    usual = _CLEANUP
    if seconds:
        usual = fitted(seconds, factor=1.3, weight=3)
    elif (waited := quantiles(nested_cleanup(plan, nested, past))[1]) > _CLEANUP.mid:
        usual = spread(waited, _NESTED_FACTOR)
    drawn = [
        max(one, usual.quantile(share, after=elapsed) - elapsed)
        for one, share in zip(path, SHARES, strict=True)
    ]
    return _Left(drawn, SAME if seconds else basis_of(bases), len(seconds))


def _rollback(view: _View) -> _Left:
    """A rollback undoes each change: what was created is deleted, what was updated is updated back."""
    plan, seen, past, now = view.plan, view.seen, view.past, view.now
    elapsed = view.since(Phase.ROLLBACK)
    mine = view.of(Phase.ROLLBACK)
    begun = {label for label, _ in mine}
    done = [(label, a) for label, a in seen if a.phase is Phase.DEPLOY and not _is_inside_nested(label, seen)]
    refused = [(label, activity) for label, activity in done if _left_nothing(activity)]
    never_made = {label for label, _ in refused}
    running, _ = _running(plan.stack, [one for one in mine if one[0] not in never_made], past, now)
    running += [
        Task(label, activity.resource_type, _UNMADE, activity.seconds(now))
        for label, activity in mine
        if activity.running and label in never_made
    ]
    running += _retries(mine, now)
    undo = [
        Planned(label, activity.resource_type, "UPDATE" if activity.action == "UPDATE" else "DELETE")
        for label, activity in done
        if not _left_nothing(activity)
    ]
    whole = _path(plan, tasks_of(plan.stack, undo, past)[0] + _unmade(refused, 0.0), past, reverse=True)
    left = [one for one in undo if one.label not in begun]
    unmade = _unmade([(label, activity) for label, activity in refused if label not in begun], elapsed)
    path = _path(plan, running + tasks_of(plan.stack, left, past)[0] + unmade, past, reverse=True)
    if done and not running and not left and not unmade:
        return _Left(_end_of_rollback(mine, now), ROLLBACK_PRIOR, 0)
    earlier = [run.rollback_seconds for run in past.of(plan.stack, plan.kind) if run.rollback_seconds > 0]
    guess = quantiles(whole)[1] + _UNDO_SECONDS
    # What is to be undone says more than how long it took when something else had failed.
    usual = fitted([*earlier[-1:], guess, guess], factor=_ROLLBACK_FACTOR, weight=3)
    drawn = [
        one + _END.quantile(share) for one, share in zip(_shaken(path, _UNDO_FACTOR), SHARES, strict=True)
    ]
    if not running and not unmade:
        # CloudFormation does not say what it waits for: two minutes between the status and the first deletion
        # are in the real event logs.
        drawn = [
            max(one, usual.quantile(share, after=elapsed) - elapsed)
            for one, share in zip(drawn, SHARES, strict=True)
        ]
    return _Left(drawn, ROLLBACKS if earlier else ROLLBACK_PRIOR, len(earlier))


def _left_nothing(activity: Activity) -> bool:
    """It was refused at once: no DELETE_IN_PROGRESS will be seen for it."""
    refused = activity.action == "CREATE" and activity.failed and not was_cancelled(activity.reason)
    own = activity.resource_type.startswith("Custom::") or activity.resource_type in _ASKED_TO_DELETE
    return refused and not own and not activity.physical_id and activity.seconds() <= _REFUSED_SECONDS


def _unmade(refused: Sequence[tuple[str, Activity]], elapsed: float) -> list[Task]:
    """The deletions of what was never made: at once, or after more than two minutes."""
    late = elapsed > _UNMADE_LATE_AFTER_SECONDS
    return [
        Task(
            label,
            activity.resource_type,
            _UNMADE_LATE if late or activity.resource_type in _SLOW_TO_GIVE_UP else _UNMADE,
            elapsed or None,
        )
        for label, activity in refused
    ]


def _retries(mine: Sequence[tuple[str, Activity]], now: CloudFormationTime) -> list[Task]:
    """Deletions that failed and will be tried again."""
    tries: dict[str, list[Activity]] = {}
    for label, activity in mine:
        tries.setdefault(label, []).append(activity)
    return [
        Task(
            label,
            done[-1].resource_type,
            spread(_RETRY_SECONDS * (_ATTEMPTS - len(done)), _RETRY_FACTOR),
            max(0.0, now - (done[-1].ended or now)),
        )
        for label, done in tries.items()
        if done[-1].action == "DELETE" and done[-1].failed and len(done) < _ATTEMPTS
    ]


def _end_of_rollback(mine: Iterable[tuple[str, Activity]], now: CloudFormationTime) -> list[float]:
    """All is undone, and only the stack's own end is left."""
    quiet = max(0.0, now - max((activity.ended or now for _, activity in mine), default=now))
    return [_END.quantile(share, after=quiet) - quiet for share in SHARES]


def _is_inside_nested(label: str, seen: Sequence[tuple[str, Activity]]) -> bool:
    """Counted with its nested stack, where that one was seen."""
    above = label.rpartition("/")[0]
    return bool(above) and any(
        other == above and activity.resource_type == STACK_TYPE for other, activity in seen
    )


def _path(
    plan: PlannedChanges,
    tasks: Sequence[Task],
    past: DeploymentHistory,
    *,
    start: float = 0.0,
    reverse: bool = False,
) -> list[float]:
    if not tasks:
        return [0.0] * DRAWS
    waits = waits_of(plan, [(task.label, task.resource_type) for task in tasks], past, reverse=reverse)
    return totals(tasks, waits, start=start)


def _shaken(drawn: Iterable[float], factor: float) -> list[float]:
    """With what all resources share."""
    common = spread(1.0, factor)
    return [one * common.quantile(share) for one, share in zip(drawn, SHARES, strict=True)]
