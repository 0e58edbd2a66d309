"""How long things took beside what was expected and what is usual."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.operation import Phase
from deploy_action.cloudformation.outcome import Outcome
from deploy_action.cloudformation.stacks import STACK_TYPE
from deploy_action.common.escape import code, markdown
from deploy_action.common.times import duration
from deploy_action.history.estimate import holds
from deploy_action.reporting.log.progress import usually
from deploy_action.reporting.summary.tables import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.estimation.accuracy import Accuracy
    from deploy_action.history.estimate import Estimate
    from deploy_action.reporting.report import Report
    from deploy_action.reporting.resource_activity import ResourceActivity

SLOWEST = 8
NOTABLE_SECONDS = 5.0
_DID_NOTHING = frozenset({Outcome.NO_CHANGES, Outcome.BUSY, Outcome.SKIPPED})


def expected_against_actual(report: Report) -> str:
    """One line that a person understands, then how good the estimates before it were."""
    estimate, seconds = report.estimate, report.duration_seconds
    if estimate is None or report.outcome in _DID_NOTHING:
        return ""
    several = len(report.stacks) > 1
    if seconds is None or report.outcome is not Outcome.SUCCEEDED:
        # What failed was not what the estimate was made for.
        return f"A success was expected to take {expectation(estimate, several=several)}."
    judged = _judged(estimate, seconds)
    line = f"Took {duration(seconds)}; expected {expectation(estimate, several=several)}: **{judged}**."
    return f"{line} {_accuracy(report.accuracy)}".rstrip()


def expectation(estimate: Estimate, *, several: bool = False) -> str:
    """`3m50s (3m00s to 6m00s, from 4 deployments of the same resources)`. `several`: stacks."""
    basis = markdown(estimate.basis)
    if several:
        basis = basis.replace("this stack", "these stacks")
    if estimate.samples == 1:
        basis = basis.replace("deployments", "deployment", 1)
    counted = f"{estimate.samples} {basis}" if "deployment" in basis and estimate.samples else basis
    return f"{interval(estimate)[:-1]}, from {counted})"


def interval(estimate: Estimate) -> str:
    """`3m50s (3m00s to 6m00s)`."""
    low, high = duration(estimate.low_seconds), duration(estimate.high_seconds)
    return f"{duration(estimate.mid_seconds)} ({low} to {high})"


def _judged(estimate: Estimate, seconds: float) -> str:
    if holds(estimate, seconds):
        return "as expected"
    off, word = abs(estimate.mid_seconds - seconds), "faster" if seconds < estimate.low_seconds else "slower"
    return f"{duration(off)} {word} than expected"


JUDGED_MIN = 10
"""A share of fewer estimates says nothing."""


def _accuracy(accuracy: Accuracy | None) -> str:
    if accuracy is None or accuracy.count < JUDGED_MIN:
        return ""
    return (
        f"Of the {accuracy.count} estimates before, {accuracy.inside} held "
        f"({accuracy.coverage * 100:.0f} %; the aim is 80 %), and half were at most "
        f"{accuracy.median_error * 100:.0f} % off."
    )


def comparable(bar: ResourceActivity) -> bool:
    """False for a resource that was cancelled or undone: its time says nothing of it."""
    return not bar.cancelled and bar.phase is not Phase.ROLLBACK


def is_slow(bar: ResourceActivity, end: float) -> bool:
    """Notably slower than usual here."""
    return (
        comparable(bar)
        and bar.usual is not None
        and bar.seconds(end) > bar.usual.high_seconds + NOTABLE_SECONDS
    )


def slowest(bars: Sequence[ResourceActivity], end: float) -> str:
    """A table of the longest ones; columns of which nothing is known are left out."""
    resources = [bar for bar in bars if bar.resource_type != STACK_TYPE]
    # What was undone is in the chart; here it would push out what tells more.
    found = [bar for bar in resources if comparable(bar)] or resources
    found = sorted(found, key=lambda bar: bar.seconds(end), reverse=True)[:SLOWEST]
    if not found:
        return ""
    usual, last = any(bar.usual for bar in found), any(bar.last_seconds is not None for bar in found)
    ended_badly = not all(bar.done_well for bar in found)
    several = len({bar.stack for bar in resources}) > 1
    head = [*["Stack"] * several, "Resource", "Type", "Action", *["Status"] * ended_badly, "Took"]
    head += ["Usually"] * usual + ["Last time"] * last
    rows = []
    for bar in found:
        row = [code(bar.stack)] * several
        row += [code(bar.label), code(bar.resource_type), action(bar)]
        row += [*[code(bar.status)] * ended_badly, took(bar, end)]
        row += [usual_of(bar, end)] * usual
        row += ["" if bar.last_seconds is None else duration(bar.last_seconds)] * last
        rows.append(row)
    return "### Slowest resources\n\n" + table(head, rows)


def action(bar: ResourceActivity) -> str:
    phase = "" if bar.phase is Phase.DEPLOY else f" ({bar.phase.value.lower()})"
    return markdown(bar.action.lower()) + phase


def took(bar: ResourceActivity, end: float) -> str:
    if bar.cancelled:
        return "cancelled"
    return duration(bar.seconds(end)) + ("" if bar.ended is not None else " so far")


def usual_of(bar: ResourceActivity, end: float) -> str:
    if not comparable(bar):
        return ""
    words = usually(bar.usual).removeprefix("usually ")
    return f"{words} · **slower**" if is_slow(bar, end) else words
