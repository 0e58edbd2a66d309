"""Sentences about what may need a person: stalls, a deployment that is late, early signs of failure.

They go into annotations, log lines and the summary: what they quote is made harmless for a log line here, and
each fits one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.operation import Phase
from deploy_action.cloudformation.stacks import STACK_TYPE, console_url
from deploy_action.common.escape import LOG_LINE_MAX, log_text
from deploy_action.common.times import brief
from deploy_action.reporting.log.progress import expected, usually

if TYPE_CHECKING:
    from deploy_action.cloudformation.operation import Operation
    from deploy_action.diagnosis.causes import Cause
    from deploy_action.history.estimate import Estimate
    from deploy_action.monitoring.stall import StallChange

URL_MAX = 600


def stalled(change: StallChange, operation: Operation) -> str:
    """`Database (AWS::RDS::DBInstance) has been in progress for 31m and is silent; …`: a stall began."""
    activity = change.activity
    region = operation.stacks[activity.stack_id].region
    where = log_text(console_url(region, activity.stack_id) or "the stack in the console", URL_MAX)
    doing = f"has been in progress for {brief(change.seconds)} and is silent"
    return f"{_when(change)}{_resource(change)} {doing}{_normal(change)}. Look at {where}"


def stalled_before(change: StallChange) -> str:
    """The same once the deployment has ended."""
    resource = f"{_when(change)}{_resource(change)}"
    return f"{resource} was silent and not done after {brief(change.seconds)}{_normal(change)}."


def _when(change: StallChange) -> str:
    """One resource can stall twice."""
    return "In the rollback, " if change.activity.phase is Phase.ROLLBACK else ""


def _resource(change: StallChange) -> str:
    return f"{log_text(change.label, 120)} ({log_text(change.activity.resource_type, 100)})"


def _normal(change: StallChange) -> str:
    # What is undone takes another time than what is done.
    known = usually(change.usual) if change.activity.phase is not Phase.ROLLBACK else ""
    return f"; {known.replace('usually', 'usually it takes', 1)}" if known else ""


def moving(change: StallChange) -> str:
    """`Database moves again, 33m after it began.`: a stall is over."""
    activity = change.activity
    name = log_text(change.label, 120)
    if not activity.running:
        return f"{name} has ended after {brief(change.seconds)} ({log_text(activity.status, 60)})."
    return f"{name} moves again, {brief(change.seconds)} after it began."


def overdue(elapsed_seconds: float, estimate: Estimate) -> str:
    """For a deployment that takes longer than the estimate of the whole of it allowed."""
    return (
        f"The deployment has taken {brief(elapsed_seconds)} so far; it was expected to take "
        f"{expected(estimate)}, going by {log_text(estimate.basis, 200)}."
    )


def overdue_before(estimate: Estimate) -> str:
    """The same once the deployment has ended."""
    return (
        f"The deployment took longer than expected: {expected(estimate)}, going by "
        f"{log_text(estimate.basis, 200)}."
    )


def warned(cause: Cause) -> str:
    """For an early sign: CloudFormation has not said that it failed."""
    kind = "" if cause.resource_type == STACK_TYPE else f" ({log_text(cause.resource_type, 100)})"
    return log_text(f"{log_text(cause.name, 120)}{kind} may fail: {cause.message}", LOG_LINE_MAX)
