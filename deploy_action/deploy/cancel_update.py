"""`cancel-update`: the update that runs is rolled back when its job is cancelled or out of time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.stacks import StackRef
from deploy_action.errors import Cancelled, CannotStart, StackSourceError
from deploy_action.inputs.settings import OnStop
from deploy_action.monitoring.watch_loop import End

if TYPE_CHECKING:
    from deploy_action.cloudformation.operation import StackProgress
    from deploy_action.deploy.deployment import Deployment
    from deploy_action.job.state import Execution
    from deploy_action.monitoring.event_stream import EventStream

ROLLBACK_SECONDS = 1800.0
"""So long a roll-back is waited for after a time-out; the median one takes a minute."""
FIRST_EVENT_TRIES = 3
PAUSE_SECONDS = 1.0


def cancel_update(deployment: Deployment, watcher: EventStream, execution: Execution, end: End) -> str:
    """Cancel the update where that is asked for. Returns what was done, for people; empty where nothing was.

    After a time-out, waits for the roll-back. After a cancellation there is no time for that.
    """
    settings = deployment.settings
    asked = {End.CANCELLED: settings.on_cancel, End.TIMED_OUT: settings.on_timeout}.get(end, OnStop.LEAVE)
    if asked is not OnStop.CANCEL_UPDATE or not _cancelled(deployment, watcher, execution):
        return ""
    if end is End.TIMED_OUT:
        deployment.watch.run(watcher, lambda: watcher.at_rest, limit_seconds=ROLLBACK_SECONDS)
    return "Its update was cancelled, as `cancel-update` asks, and CloudFormation rolls it back."


def _cancelled(deployment: Deployment, watcher: EventStream, execution: Execution) -> bool:
    """Whether CloudFormation was asked to roll our update back, or perhaps was."""
    reporter = deployment.reporter
    stack = _ours(deployment, watcher)
    if stack is None:
        reporter.line("Nothing is cancelled: that an update of this deployment still runs cannot be seen.")
        return False
    if stack.status != "UPDATE_IN_PROGRESS":
        reporter.note(f"Nothing is cancelled: CloudFormation cannot stop a stack that is {stack.status}.")
        return False
    try:
        held = deployment.coordination.still_held()
    except Cancelled:  # no time for the registry: that the update is ours is known by its token
        held = True
    if not held:
        reporter.note("Nothing is cancelled: the lock is not ours any more.")
        return False
    ref = StackRef(stack.region, stack.stack_id)
    try:
        deployment.cloudformation.cancel_update(ref, token=f"{execution.name}-cancel")
    except CannotStart as error:
        reporter.note(f"The update was not cancelled: {error.what}")
        return False
    except StackSourceError as error:
        reporter.note(f"Could not see whether the update was cancelled: {error}")
        return True
    reporter.line("Cancelled the update, as `cancel-update` asks; CloudFormation rolls it back.")
    return True


def _ours(deployment: Deployment, watcher: EventStream) -> StackProgress | None:
    """The stack with our operation, seen in progress this very moment: by its token it is nobody else's."""
    try:
        for attempt in range(FIRST_EVENT_TRIES):
            if attempt:
                deployment.job.clock.sleep(PAUSE_SECONDS)
            deployment.reporter.events(deployment.watch.read_roots(watcher).events, watcher.operation)
            if watcher.readable and watcher.began:
                return next((stack for stack in watcher.operation.roots if stack.in_progress), None)
    finally:
        deployment.reporter.end_groups()
    return None
