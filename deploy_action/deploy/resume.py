"""The state that a killed coordinator left of a deployment by change set.

Nothing may be executed twice, so what may have been executed counts as executed. Three things can tell: what
was written down before it was asked for, the events that carry our token, and the change set itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.change_set import ChangeSet, change_set_prefix
from deploy_action.cloudformation.retry import retry_while_unavailable
from deploy_action.deploy.change_set import NativeDeployment, PreparedChangeSet
from deploy_action.errors import StackSourceError
from deploy_action.job.job_log import optional
from deploy_action.job.state import Execution
from deploy_action.monitoring.baseline import Baseline

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.cloudformation.events import StackEvent
    from deploy_action.deploy.deployment import Deployment

EVENTS_LOOKED_AT = 500
"""The newest ones; an operation that was lost with the state cannot lie further back."""


def what_was_executed(
    deployment: Deployment, native_of: Callable[[str], NativeDeployment]
) -> Execution | None:
    """The execution to see through; None where nothing was executed, or can be any more.

    `native_of` makes the deployment by the change set of that name.
    """
    state, reporter = deployment.state, deployment.reporter
    kept, token = state.execution, token_of_ours(deployment)
    if token and (kept is None or kept.name != token):
        kept = Execution(token, state.report.change_set_arn)
        state.baseline = Baseline(((deployment.settings.stacks[0], None),))
    if kept is not None and (token or native_of(kept.name).may_have_been_executed(_plan(kept))):
        return kept
    reporter.line("Nothing had been executed, so this deployment starts over.")
    state.execution = None
    optional(reporter, "Removing change sets of the earlier start", lambda: _discard(deployment))
    return None


def token_of_ours(deployment: Deployment) -> str:
    """The token of an operation of this deployment that the events show; empty where they show none."""
    prefix = change_set_prefix(deployment.state.report.correlation_id)
    found: list[str] = []
    looked_at = 0

    def stop(event: StackEvent) -> bool:
        nonlocal looked_at
        looked_at += 1
        # With our token a rolled-back stack is deleted too, before it is created anew.
        if event.starts_operation and event.token.startswith(prefix) and event.status != "DELETE_IN_PROGRESS":
            found.append(event.token)
        return bool(found) or looked_at >= EVENTS_LOOKED_AT

    source, job = deployment.cloudformation, deployment.job
    try:
        retry_while_unavailable(
            lambda: source.events(deployment.settings.stacks[0], stop=stop),
            job.clock,
            cancelled=job.cancelled,
            alive=deployment.lock.keep,
        )
    except StackSourceError as error:
        deployment.reporter.line(f"The stack's events do not show which change set was executed: {error}")
    return found[0] if found else ""


def _plan(execution: Execution) -> PreparedChangeSet:
    change_set = ChangeSet(execution.arn, execution.name, execution.stack_id, status="", execution_status="")
    return PreparedChangeSet(change_set, execution.created_stack, execution.changed_at)


def _discard(deployment: Deployment) -> None:
    """Also those whose creation was asked for and never written down."""
    own = {deployment.state.report.correlation_id}
    try:
        deployment.cloudformation.delete_unexecuted_change_sets(deployment.settings.stacks[0], own)
    except StackSourceError as error:
        if "does not exist" not in error.what:
            raise
