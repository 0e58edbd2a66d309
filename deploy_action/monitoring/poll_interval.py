"""When to look at a stack again: dense when it may end, sparse while it certainly goes on.

What 48 recorded operations do: the first resource begins 1.9 s after the operation at the earliest. After
the end of the last resource comes the stack's own end: 0.8 s to 2 s later in a creation, 1.5 s to 4 s in an
update (its clean-up takes 0.7 s at least), 0.3 s in a rollback, 0.15 s in a clean-up. A nested stack's end
is seen in its parent 1.5 s later at the earliest. So a look that is late by no more than that plus
PROMISE_SECONDS sees the end in time, and where the stack cannot end yet, looks can be rare.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from deploy_action.cloudformation.operation import Phase
from deploy_action.cloudformation.stacks import STACK_TYPE

if TYPE_CHECKING:
    from deploy_action.cloudformation.operation import Activity, Operation, StackProgress
    from deploy_action.common.instants import CloudFormationTime
    from deploy_action.estimation.forecast import Forecast

PROMISE_SECONDS = 0.75
"""So late an end may be noticed."""
FIRST_EVENT_SECONDS = 1.9
BUSY_SECONDS = 4.5
"""While things surely go on: how old a line of the log may be when it is printed."""
SPARSE_SECONDS_MAX = 12.0
NESTED_SECONDS = 6.0
"""A nested stack's end is told by its parent, so its own events are only read to be shown."""
IDLE_SECONDS, IDLE_SECONDS_MAX = 1.5, 5.0
SILENCE_SHARE = 0.12
"""In a silence, the share of it that the next line may come late."""
UNSURE_SHARE = 0.03
"""The same where the stack may end any moment, but nothing says when."""
HIDDEN_SHARE = 0.017
"""The same of a nested stack whose own events cannot be seen."""
SLACK_SHARE = 0.01
"""The same where no resource is being worked on."""
WINDOW_SHARE = 0.005
"""The same within a resource's usual range."""
TRUSTED_SECONDS = 8.0
"""Published averages say little of what takes less: it may be over, or fail, at once."""
EACH_SECONDS = 1.2
"""So long, at least, for each resource that has not begun yet."""
SHORT_CLEANUP_SECONDS = 10.0
"""A clean-up that takes longer waits for what it still has to delete."""
RETRY_SECONDS = 180.0
RETRIES = 3
GIVEN_UP_SECONDS, GIVEN_UP_LATE_SECONDS = 9.0, 128.0
_ROLLBACKS = {"ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"}
_FOLLOWS_SECONDS = {
    "CREATE_IN_PROGRESS": 0.8,
    "IMPORT_IN_PROGRESS": 0.8,
    "UPDATE_IN_PROGRESS": 1.9,
    "UPDATE_ROLLBACK_IN_PROGRESS": 1.0,
}
"""From the last resource's end to the stack's own."""


def pause_seconds(
    stack: StackProgress,
    operation: Operation,
    forecast: Forecast,
    *,
    now: CloudFormationTime,
    silent_seconds: float,
) -> float:
    """Seconds from the last look at a stack in progress to the next.

    `now`: unix seconds of CloudFormation. `silent_seconds`: how long this stack has shown no event.
    """
    sparse = min(max(BUSY_SECONDS, silent_seconds * SILENCE_SHARE), SPARSE_SECONDS_MAX)
    if stack.parent_id is not None:
        return max(NESTED_SECONDS, sparse)
    given_up = _until_given_up(stack, now)
    if given_up:
        return min(given_up + PROMISE_SECONDS, SPARSE_SECONDS_MAX)
    outstanding = _outstanding(stack, forecast, now)
    if outstanding > 1:
        return min(sparse, outstanding * EACH_SECONDS)
    running = [activity for activity in stack.activities if activity.running]
    if not running:
        retry = _until_retry(stack, now)
        slack = PROMISE_SECONDS if retry else max(PROMISE_SECONDS, silent_seconds * SLACK_SHARE)
        return min(max(_until_it_follows(stack, now), retry) + slack, sparse)
    dense = _follows_seconds(stack) + PROMISE_SECONDS
    pauses = [_pause_for(activity, operation, forecast, now, dense) for activity in running]
    return min(max(dense, *pauses), max(sparse, dense))


def _pause_for(
    activity: Activity, operation: Operation, forecast: Forecast, now: CloudFormationTime, dense: float
) -> float:
    """How long a look can wait as far as this activity is concerned: the stack cannot end before it."""
    age = activity.seconds(now)
    if activity.resource_type == STACK_TYPE:
        nested = operation.stacks.get(activity.physical_id)
        if nested is None or not nested.status:
            return age * HIDDEN_SHARE
        return BUSY_SECONDS if nested.in_progress else 0.0
    if _failed_before(activity, operation):
        return 0.0
    usual = forecast.usual(activity, operation.label_of(activity))
    never_made = activity.action == "DELETE" and _was_refused(activity, operation)
    if usual is None or never_made or age > usual.high_seconds:
        return age * UNSURE_SHARE
    if age < usual.low_seconds and (usual.samples or usual.low_seconds >= TRUSTED_SECONDS):
        return usual.low_seconds - age + dense
    return (usual.high_seconds - usual.low_seconds) * WINDOW_SHARE


def _failed_before(activity: Activity, operation: Operation) -> bool:
    """An activity that failed once may fail again at once, whatever it usually takes."""
    return any(
        other.failed and (other.logical_id, other.action) == (activity.logical_id, activity.action)
        for other in operation.stacks[activity.stack_id].activities
    )


def _was_refused(deletion: Activity, operation: Operation) -> bool:
    """Its creation failed: how long a deletion takes of what was made says nothing of it."""
    return any(
        other.failed and other.action == "CREATE" and other.logical_id == deletion.logical_id
        for other in operation.stacks[deletion.stack_id].activities
    )


def _until_given_up(stack: StackProgress, now: CloudFormationTime) -> float:
    """Seconds in which a rollback that only gives up what was refused cannot end; 0 where it may.

    Such rollbacks ended 1.8 to 5.7 s after they began (36 of 42), or after 131 to 154 s, never between. Only
    where what was made is deleted, and no deletion is seen of something that was refused.
    """
    since = now - stack.phase_began
    if stack.status not in _ROLLBACKS or not GIVEN_UP_SECONDS < since < GIVEN_UP_LATE_SECONDS:
        return 0.0
    if any(activity.running for activity in stack.activities):
        return 0.0
    deleted = {a.logical_id for a in stack.activities if a.action == "DELETE"}
    open_ = [a for a in stack.activities if a.action == "CREATE" and a.logical_id not in deleted]
    if not open_ or not all(a.failed and not a.physical_id and a.resource_type != STACK_TYPE for a in open_):
        return 0.0
    if any(a.resource_type.startswith("Custom::") for a in open_) or _until_retry(stack, now):
        return 0.0
    last = max((a.ended or 0.0 for a in stack.activities if a.action == "DELETE"), default=0.0)
    return GIVEN_UP_LATE_SECONDS - since if now - last > GIVEN_UP_SECONDS else 0.0


def _until_it_follows(stack: StackProgress, now: CloudFormationTime) -> float:
    """Seconds until the stack can do its next step, now that none of its resources is being worked on."""
    ends = [activity.ended for activity in stack.activities if activity.ended is not None]
    since, entered = stack.phase_began, stack.started or now
    if not ends or max(ends) < since:
        first = 0.0 if "CLEANUP" in stack.status else FIRST_EVENT_SECONDS
        return max(0.0, max(since, entered) + first - now)
    return max(0.0, max(ends) + _follows_seconds(stack) - now)


def _until_retry(stack: StackProgress, now: CloudFormationTime) -> float:
    """A deletion that failed in a clean-up is tried three times; until then the stack goes on."""
    if "CLEANUP" not in stack.status:
        return 0.0
    failed = [a for a in stack.activities if a.action == "DELETE" and a.failed and a.ended is not None]
    tries = Counter(activity.logical_id for activity in failed)
    again = [(a.ended or 0.0) + RETRY_SECONDS - now for a in failed if tries[a.logical_id] < RETRIES]
    return max([0.0, *(max(0.01, seconds) for seconds in again)])


def _follows_seconds(stack: StackProgress) -> float:
    return 0.15 if "CLEANUP" in stack.status else _FOLLOWS_SECONDS.get(stack.status, 0.3)


def _outstanding(stack: StackProgress, forecast: Forecast, now: CloudFormationTime) -> int:
    """How many resources that have not begun yet must still be done before the stack can end."""
    if stack.status == "CREATE_IN_PROGRESS" and forecast.planned is not None:
        return forecast.planned - len({activity.logical_id for activity in stack.activities})
    cleans_up = stack.status == "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
    long_clean_up = cleans_up and now - stack.phase_began > SHORT_CLEANUP_SECONDS
    if stack.status == "ROLLBACK_IN_PROGRESS" or long_clean_up:
        created = {a.logical_id for a in stack.activities if a.action == "CREATE" and _leaves_something(a)}
        return len(created - {a.logical_id for a in stack.activities if a.action == "DELETE"})
    return 0


def _leaves_something(created: Activity) -> bool:
    """A creation that was refused at once leaves nothing to delete in a rolled-back creation of a stack."""
    return bool(created.physical_id) or (created.phase is Phase.DEPLOY and created.failed)


def idle_pause_seconds(silent_seconds: float, *, root: bool) -> float:
    """The same for a stack that is at rest, or whose first event has not been seen."""
    if not root:
        return NESTED_SECONDS
    return min(max(IDLE_SECONDS, silent_seconds * SILENCE_SHARE), IDLE_SECONDS_MAX)
