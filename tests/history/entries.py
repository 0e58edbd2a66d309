"""Entries told shortly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.dashboard.timeline import Entry
from deploy_action.history.deployments import Deployment
from deploy_action.history.operations import OperationRecord, ResourceTiming

if TYPE_CHECKING:
    from deploy_action.history.estimate import Estimate

START = 1_700_000_000.0
HOUR = 3_600.0


def entry(
    name: str,
    hours: float,
    outcome: str = "succeeded",
    *,
    stacks: tuple[str, ...] = ("eu-west-1/shop",),
    seconds: float | None = 100.0,
    queue: float = 0.0,
    requested: bool = True,
    environment: str = "prod",
    account: str = "",
    estimate: Estimate | None = None,
    steps: tuple[ResourceTiming, ...] = (),
    touched: str = "t",
) -> Entry:
    """Ended `hours` after START; requested 200 s before that."""
    run = OperationRecord(
        stacks[0] if stacks else "?", "update", outcome, 100.0, 100.0, touched=touched, steps=steps
    )
    ended = START + hours * HOUR
    return Entry(
        Deployment(name, outcome, stacks, seconds, queue, (run,), estimate, account),
        ended=ended,
        requested=ended - 200 if requested else None,
        environment=environment,
    )
