"""Histories told shortly, for the tests of the estimates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.estimation.planned_changes import Planned, PlannedChanges
from deploy_action.history.deployments import Deployment, DeploymentHistory
from deploy_action.history.operations import OperationRecord, ResourceTiming, fingerprint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.history.estimate import Estimate

STACK = "eu-west-1/shop"
FUNCTION, TABLE = "AWS::Lambda::Function", "AWS::DynamoDB::Table"
PRIOR = {
    (FUNCTION, "UPDATE"): 8.0,
    (FUNCTION, "CREATE"): 8.0,
    (TABLE, "CREATE"): 22.0,
    (TABLE, "DELETE"): 11.0,
}


def plan(*names: str, kind: str = "update", action: str = "UPDATE", type_: str = FUNCTION) -> PlannedChanges:
    return PlannedChanges(STACK, kind, tuple(Planned(name, type_, action) for name in names))


def run(
    seconds: float,
    *names: str,
    outcome: str = "succeeded",
    kind: str = "update",
    each: float | None = None,
    rollback: float = 0.0,
) -> OperationRecord:
    """An update of functions, one beside the other, each taking all but five seconds."""
    took = seconds - 5 if each is None else each
    good = outcome == "succeeded"
    return OperationRecord(
        stack=STACK,
        kind=kind,
        outcome=outcome,
        seconds=seconds,
        deploy_seconds=seconds - rollback - 1,
        cleanup_seconds=1.0 if good else 0.0,
        rollback_seconds=rollback,
        touched=fingerprint(("UPDATE", name) for name in names),
        count=len(names),
        steps=tuple(ResourceTiming(name, FUNCTION, "UPDATE", 2.5, took) for name in names) if good else (),
    )


def past(runs: Sequence[OperationRecord], *, estimates: Sequence[Estimate | None] = ()) -> DeploymentHistory:
    known = (*estimates, *([None] * (len(runs) - len(estimates))))
    return DeploymentHistory(
        tuple(
            Deployment(str(number), one.outcome, (one.stack,), one.seconds, 0.0, (one,), estimate)
            for number, (one, estimate) in enumerate(zip(runs, known, strict=True))
        ),
        PRIOR,
    )
