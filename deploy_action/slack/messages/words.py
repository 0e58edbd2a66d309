"""Durations, counts and verdicts as people say them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.outcome import Outcome
from deploy_action.common.times import brief, roughly
from deploy_action.reporting.outcome_words import Ending, ending_of
from deploy_action.reporting.subject import subject
from deploy_action.slack.view import NotificationEvent

if TYPE_CHECKING:
    from deploy_action.history.estimate import Estimate
    from deploy_action.slack.view import DeploymentView, ResourceSeen

DONE, OPEN, CELLS = "▰", "▱", 10
_SECONDS_MAX = 1e8
"""Clocks may be far apart; a duration stays a number."""
_DOING = {"CREATE": "Creating", "UPDATE": "Updating", "DELETE": "Deleting", "IMPORT": "Importing"}


def span(seconds: float) -> str:
    """`45s`, `4m10s`, `1h04m`: as measured."""
    return brief(_sane(seconds))


def about(seconds: float) -> str:
    """A guess, without false precision: `40s`, `4m`, `1h05m`."""
    return roughly(_sane(seconds))


def between(low_seconds: float, high_seconds: float) -> str:
    """`3m to 6m`; one of them where both round to the same."""
    low, high = about(low_seconds), about(high_seconds)
    return low if low == high else f"{low} to {high}"


def bar(done: int, planned: int) -> str:
    """`▰▰▰▱▱▱▱▱▱▱`; full only where all is done, empty only where nothing is."""
    if planned <= 0:
        return OPEN * CELLS
    filled = min(CELLS, done * CELLS // planned)
    filled = max(1, filled) if done > 0 else 0
    return DONE * filled + OPEN * (CELLS - filled)


def rests_on(estimate: Estimate) -> str:
    """`median of the same resources, 4 deployments`: what an estimate is worth."""
    if not estimate.samples:
        return estimate.basis
    return f"{estimate.basis}, {estimate.samples} deployment{'' if estimate.samples == 1 else 's'}"


def usually(resource: ResourceSeen) -> str:
    """`usually 4m to 8m`; empty where nothing is known of it."""
    if resource.usual_low_seconds is None or resource.usual_high_seconds is None:
        return ""
    return f"usually {between(resource.usual_low_seconds, resource.usual_high_seconds)}"


def doing(action: str) -> str:
    return _DOING.get(action, "Working on")


def what(view: DeploymentView) -> str:
    """Its stacks and environment (`reporting.subject`); from outside, not made harmless yet."""
    return subject([stack.name for stack in view.stacks], view.environment) or "this deployment"


def waits(view: DeploymentView) -> bool:
    """Whether it stands in the queue, whatever else happened there."""
    return view.moment.waiting or (not view.moment.final and view.queue is not None)


def heading(view: DeploymentView) -> tuple[str, str, str]:
    """A sign, and what stands before and after the name of what is deployed. True whenever it is read."""
    if view.moment.final:
        ending = _ending(view).value
        return (ending.sign, ending.before, ending.after)
    if waits(view):
        stuck = view.moment is NotificationEvent.STUCK_IN_QUEUE
        return ("⏳", "", "is stuck in the queue" if stuck else "waits in the queue")
    return _now(view)


def _now(view: DeploymentView) -> tuple[str, str, str]:
    if view.rolling_back:
        return ("↩️", "", "failed and rolls back")
    if view.causes:
        return ("❌", "", "is failing")
    if view.stalled:
        return ("⚠️", "", "may be stuck")
    return ("🗑️", "Deleting", "") if view.teardown else ("🚀", "Deploying", "")


def _ending(view: DeploymentView) -> Ending:
    if view.moment is NotificationEvent.COMPLETE:
        good = view.outcome if view.outcome is not None and view.outcome.good else Outcome.SUCCEEDED
        return ending_of(good, deleted=view.deleted)
    if view.not_started and view.moment is NotificationEvent.FAILED:
        return Ending.NOT_STARTED
    if view.moment in {NotificationEvent.FAILED, NotificationEvent.ROLLED_BACK} and view.teardown:
        return Ending.NOT_DELETED
    return Ending[view.moment.name]


def headline(view: DeploymentView, name: str) -> str:
    """The heading in one line, its sign first. `name` is harmless already for where it stands."""
    return " ".join(part for part in (*heading(view)[:2], name, heading(view)[2]) if part)


def _sane(seconds: float) -> float:
    return min(max(0.0, seconds), _SECONDS_MAX)
