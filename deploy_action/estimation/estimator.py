"""How long a deployment will take, told before it begins.

Of a stack with 41 good updates the median of the same touched set was off by 3 %, the last deployment by
26 %: so the same set comes first, then the longest way through what is known of each resource.
"""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

from deploy_action.cloudformation.stacks import STACK_TYPE
from deploy_action.estimation.accuracy import COVERAGE, corrected
from deploy_action.estimation.critical_path import DRAWS, SHARES, Task, quantiles, structure, totals
from deploy_action.estimation.planned_changes import Planned, PlannedChanges
from deploy_action.history.deployments import DeploymentHistory
from deploy_action.history.duration_distribution import ODD_MAX, fitted, spread, tempered
from deploy_action.history.estimate import Basis, Estimate
from deploy_action.history.resource_durations import LAST_SECONDS, overhead

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deploy_action.cloudformation.stacks import StackRef
    from deploy_action.history.operations import OperationRecord

SAME = "deployments of the same resources"
ALL = "earlier deployments of this stack"
HERE = "what these resources took before"
PARTLY = "what is known of some resources, and typical durations"
PRIOR = "typical durations"

NEWEST = 15
"""Runs that count, since stacks and CloudFormation change."""
CONFORMAL_MIN = 9
"""From so many samples on an 80 % interval can be read off their ranks."""
SAME_FACTOR, ANY_FACTOR = 1.12, 1.6
"""90th percentile by median that is expected of deployments of the same resources, and of all of a stack."""
TAIL_FACTOR = 1.3
EMPTY_SECONDS = 1.0
"""An operation without resources waits for none to begin."""
NESTED_CLEANUP = spread(11.7, 1.1)
NESTED_AT_ONCE = 0.26
"""The share of updates with nested stacks that end without their clean-up being waited for."""
_COMMON_FACTOR = {HERE: 1.12, PARTLY: 1.4, PRIOR: 1.7}
"""The factor that all resources of a deployment share: the day, and what is not known of the dependencies."""


def before(plan: PlannedChanges, past: DeploymentHistory) -> Estimate:
    """Always an answer. Seconds of the whole deployment: deploy, clean-up, and what it takes beside them."""
    found = _before(plan, past)
    more = past.surplus_seconds(plan.stack)
    found = replace(
        found,
        low_seconds=found.low_seconds + more,
        mid_seconds=found.mid_seconds + more,
        high_seconds=found.high_seconds + more,
    )
    return corrected(found, past.scored([plan.stack]), moves=found.basis in _COMMON_FACTOR)


def _before(plan: PlannedChanges, past: DeploymentHistory) -> Estimate:
    runs = past.good(plan.stack, plan.kind)
    if plan.changes is None:
        others = [] if plan.kind == "delete" else past.seconds([plan.stack])
        seconds = [run.seconds for run in runs] or others
        return around(seconds, ALL) if seconds else _rest(plan)
    same = same_set(plan.touched, runs)
    if same:
        return _beside_the_usual(around([run.seconds for run in same], SAME), plan, past)
    return by_path(plan, past)


def _beside_the_usual(found: Estimate, plan: PlannedChanges, past: DeploymentHistory) -> Estimate:
    """One or two deployments far off from what such resources take elsewhere may be odd."""
    if found.samples > ODD_MAX:
        return found
    elsewhere = by_path(plan, DeploymentHistory(prior=past.prior, prior_samples=past.prior_samples))
    own = spread(found.mid_seconds, found.high_seconds / found.mid_seconds)
    both = tempered(own, elsewhere.mid_seconds, found.samples)
    if both is own:
        return found
    return Estimate(both.low, both.mid, both.high, SAME, found.samples)


def of_stacks(
    past: DeploymentHistory, refs: Sequence[StackRef], *, teardown: bool = False
) -> Estimate | None:
    """Of a deployment whose stacks are chosen by `refs`, globs among them, and of which no more is known than
    whether it deletes them."""
    if len(refs) == 1 and not refs[0].is_glob:
        stack = str(refs[0])
        runs = past.of(stack)
        kind = "create" if runs and runs[-1].kind == "delete" and runs[-1].good else "update"
        kind = "delete" if teardown else kind
        return before(PlannedChanges(stack, kind), past) if past.good(stack, kind) else None
    if teardown:
        return None
    alike = [one for one in past.deployments if one.stacks and all(_chosen(s, refs) for s in one.stacks)]
    seconds = [one.seconds for one in alike if one.good and one.seconds]
    if not seconds:
        return None
    scored = [one for one in alike if one.estimate is not None and one.seconds and one.good]
    return corrected(around(seconds, ALL), scored, moves=False)


def _chosen(stack: str, refs: Sequence[StackRef]) -> bool:
    region, _, name = stack.partition("/")
    return any(ref.region == region and ref.matches(name) for ref in refs)


def same_set(touched: str, runs: Sequence[OperationRecord]) -> list[OperationRecord]:
    """By the change set where there was one: it tells more than what is touched in the end."""
    return [run for run in runs if touched and touched in {run.planned, run.touched}]


def around(samples: Sequence[float], basis: str) -> Estimate:
    """Seconds that it took before, oldest first, at least one.

    Few samples say where the middle is before they say how far apart they lie: until there are enough to read
    the interval off their ranks, an expected spread counts with them.
    """
    newest = sorted(samples[-NEWEST:])
    count, mid = len(newest), median(newest)
    if count < CONFORMAL_MIN:
        found = fitted(newest, factor=SAME_FACTOR if basis == SAME else ANY_FACTOR, weight=2)
        factor = found.factor ** math.sqrt(1 + 1 / count)
        low, high = mid / factor, mid * factor
    else:
        rank = max(1, math.floor((1 - COVERAGE) / 2 * (count + 1) + 1e-9))
        low, high = newest[rank - 1] * 0.99, newest[count - rank] * 1.01
    return Estimate(min(low, mid), mid, max(mid, high), basis, count)


def _rest(plan: PlannedChanges) -> Estimate:
    """Nothing is known: a median over all operations of the real event logs."""
    guess = spread(LAST_SECONDS.get(plan.kind, 60.0), 6.0)
    return Estimate(guess.low, guess.mid, guess.high, PRIOR, 0)


def common_factor(basis: str) -> float:
    """90th percentile by median of what all resources of a deployment share."""
    return _COMMON_FACTOR[basis]


def by_path(plan: PlannedChanges, past: DeploymentHistory) -> Estimate:
    """The longest way through the changes, and the clean-up after it."""
    runs = past.good(plan.stack, plan.kind)
    head, tail = overhead(runs)
    deploy = [one for one in plan.changes or () if one.action != "DELETE" or plan.kind == "delete"]
    tasks, bases = tasks_of(plan.stack, deploy, past)
    waits = waits_of(plan, [(one.label, one.resource_type) for one in deploy], past)
    cleanup = cleanup_tasks(plan, past)
    drawn = totals(tasks, waits, start=head) if tasks else [EMPTY_SECONDS] * DRAWS
    if cleanup:
        after = totals(
            cleanup, waits_of(plan, [(t.label, t.resource_type) for t in cleanup], past, reverse=True)
        )
        drawn = [sum(pair) for pair in zip(drawn, after, strict=True)]
    nested = nested_cleanup(plan, plan.changes or (), past)
    drawn = [sum(pair) for pair in zip(drawn, nested, strict=True)]
    basis = basis_of(bases)
    common = spread(1.0, common_factor(basis))
    end = spread(tail, TAIL_FACTOR)
    low, mid, high = quantiles(
        [one * common.quantile(share) + end.quantile(share) for one, share in zip(drawn, SHARES, strict=True)]
    )
    return Estimate(low, mid, high, basis, len(runs))


def waits_of(
    plan: PlannedChanges, tasks: Sequence[tuple[str, str]], past: DeploymentHistory, *, reverse: bool = False
) -> dict[str, list[str]]:
    """The dependencies among (label, type); while things are deleted, the other way round."""
    reverse = reverse or plan.kind == "delete"
    return structure(tasks, order=past.order(plan.stack), graph=plan.graph, reverse=reverse)


def tasks_of(
    stack: str, changes: Sequence[Planned], past: DeploymentHistory
) -> tuple[list[Task], list[tuple[Basis, float]]]:
    """Tasks, and (basis, middle in seconds) of each."""
    tasks: list[Task] = []
    bases: list[tuple[Basis, float]] = []
    for one in changes:
        known = past.learned.expected(stack, one.label, one.resource_type, one.action)
        if one.replacement and known.basis is not Basis.RESOURCE:
            # A replacement creates; what updates of it in place took says little.
            known = past.learned.expected(stack, one.label, one.resource_type, "CREATE")
        tasks.append(Task(one.label, one.resource_type, known.spread))
        bases.append((known.basis, known.spread.mid))
    return tasks, bases


def cleanup_tasks(plan: PlannedChanges, past: DeploymentHistory) -> list[Task]:
    """The deletions after an update: what is removed, and what was replaced."""
    if plan.kind != "update":
        return []
    return deletions(plan.stack, gone_after(plan.changes or ()), past)


def nested_cleanup(plan: PlannedChanges, changes: Iterable[Planned], past: DeploymentHistory) -> list[float]:
    """Seconds, one a draw, that the clean-up of an update takes because of its nested stacks.

    Each nested stack that was updated is asked to clean up, even where nothing is to be deleted: of 19 such
    updates 14 took 11 to 12 s for it, the others 1 to 2 s. What this stack took before says more.
    """
    updated = {one.label for one in changes if one.resource_type == STACK_TYPE and one.action == "UPDATE"}
    if plan.kind != "update" or not updated:
        return [0.0] * DRAWS
    seen = [
        run.cleanup_seconds
        for run in past.good(plan.stack, "update")
        if not run.cleanup and updated & {step.label for step in run.steps}
    ]
    if seen:
        known = fitted(seen[-NEWEST:], factor=1.2, weight=2)
        return [known.quantile(share) for share in SHARES]
    return [NESTED_CLEANUP.quantile(share) if share > NESTED_AT_ONCE else 1.5 for share in SHARES]


def gone_after(changes: Iterable[Planned]) -> list[Planned]:
    """The deletions of a clean-up: the removed resource, and the copy that was replaced."""
    return [one for one in changes if one.action == "DELETE" or one.replacement]


def deletions(stack: str, gone: Iterable[Planned], past: DeploymentHistory) -> list[Task]:
    return tasks_of(stack, [Planned(one.label, one.resource_type, "DELETE") for one in gone], past)[0]


def basis_of(bases: Sequence[tuple[Basis, float]]) -> str:
    """By the share of the time, not of the resources."""
    whole = sum(seconds for _, seconds in bases)
    here = sum(seconds for basis, seconds in bases if basis is not Basis.PRIOR)
    if not whole or here < 0.1 * whole:
        return PRIOR
    return HERE if here > 0.85 * whole else PARTLY
