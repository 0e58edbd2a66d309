"""From the execution of a change set to its verdict: by events, by the stack's status, or unwatched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.outcome import Outcome
from deploy_action.cloudformation.stacks import StackRef
from deploy_action.deploy import cancel_update as stopping
from deploy_action.job.job_log import optional
from deploy_action.monitoring.baseline import Baseline
from deploy_action.monitoring.event_stream import EventStream
from deploy_action.monitoring.status_polling import OwnEnd
from deploy_action.monitoring.watch_loop import End

if TYPE_CHECKING:
    from deploy_action.deploy.deployment import Deployment
    from deploy_action.job.state import Execution

FIRST_EVENT_SECONDS = 300.0
"""How long an execution may take to show its first event. It takes a second or two."""


def see_through(deployment: Deployment, execution: Execution) -> int:
    """Watch to the end, and raise what a verdict other than success means."""
    baseline = deployment.state.baseline or Baseline()
    watcher = EventStream(deployment.looks, baseline, token=execution.name)
    if deployment.unwatched or not baseline.newest:
        return _by_status(deployment, execution, watcher)
    end = deployment.watch.run(watcher, lambda: watcher.at_rest, first_event_seconds=FIRST_EVENT_SECONDS)
    if end is End.BLIND:
        deployment.reporter.note(
            "The stack's events cannot be read any more: its status alone is watched, and the causes of a "
            "failure stay unknown."
        )
        return _by_status(deployment, execution, watcher)
    undone = stopping.cancel_update(deployment, watcher, execution, end)
    deployment.result.judge(end, deployment.result.read(watcher, ours_only=True), undone=undone)
    return 0


def _by_status(deployment: Deployment, execution: Execution, watcher: EventStream) -> int:
    """The end as `DescribeStacks` shows it; the events are asked once more, since they know the causes."""
    stack = deployment.settings.stacks[0]
    own = OwnEnd(
        deployment.cloudformation,
        deployment.cloudformation,
        StackRef(stack.region, execution.stack_id or stack.name),
        execution.arn,
        execution.changed_at,
    )
    end = deployment.watch.by_status(
        own.look, began=lambda: own.state is not None, first_sign_seconds=FIRST_EVENT_SECONDS
    )
    undone = stopping.cancel_update(deployment, watcher, execution, end)
    if end is End.DONE:
        optional(deployment.reporter, "The look at the events", lambda: deployment.watch.read_all(watcher))
    if (undone or end is End.DONE) and watcher.readable and watcher.at_rest:
        outcome = deployment.result.read(watcher, ours_only=True)
    else:
        outcome = Outcome.UNKNOWN
        state = own.seen()
        if state is not None:
            begun = "UPDATE" if execution.changed_at else "CREATE"
            outcome = deployment.result.read_by_status(state, begun)
    deployment.result.judge(end, outcome, undone=undone)
    return 0
