"""A change set that is made to be looked at, and deleted again: what would be planned now, before anything is
locked."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.cloudformation.change_set import change_set_name
from deploy_action.cloudformation.change_set_tree import read_tree
from deploy_action.cloudformation.stacks import Verdict, verdict_of
from deploy_action.deploy.change_set import NativeDeployment
from deploy_action.deploy.data_guard import guarded_by
from deploy_action.deploy.request import request_of
from deploy_action.errors import Cancelled, CoordinatorError
from deploy_action.inputs.plan import OnDataLoss
from deploy_action.plan.data_guard import Guarded, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy_action.cloudformation.change_set import ChangeSet, ChangeSetRequest
    from deploy_action.cloudformation.client import CloudFormation
    from deploy_action.inputs.settings import Settings
    from deploy_action.job.context import JobContext


@contextmanager
def trial(
    job: JobContext, source: CloudFormation, request: ChangeSetRequest, correlation_id: str
) -> Iterator[ChangeSet]:
    """The changes that the request would make now. Raises like `NativeDeployment.plan`."""
    name = f"{change_set_name(correlation_id, 0)}-trial"
    native = NativeDeployment(
        source,
        source,
        job.clock,
        replace(request, name=name, token=name),
        cancelled=job.cancelled,
        tell=job.reporter.line,
    )
    found = native.plan(delete_rolled_back_stack=False)
    try:
        yield found.change_set
    finally:
        if not found.change_set.is_empty:
            native.discard(found)


def guard_before_lock(
    job: JobContext, source: CloudFormation, settings: Settings, correlation_id: str
) -> None:
    """For `data-loss: stop` with `template`: raises DataAtRisk before anything is locked. What cannot be told
    now is left to the look at the change set that is executed."""
    if settings.plan.on_data_loss is not OnDataLoss.STOP:
        return
    guarded = Guarded()
    try:
        state = source.describe(settings.stacks[0])
        if state is None or state.in_progress or verdict_of(state.status) is Verdict.NONE:
            return
        with trial(job, source, request_of(settings, "", of=correlation_id), correlation_id) as change_set:
            if not change_set.is_empty:
                tree = read_tree(source, settings.stacks[0].region, change_set)
                guarded = guarded_by(source, tree, settings.plan)
    except Cancelled:
        raise
    except CoordinatorError as error:
        job.reporter.line(f"The check of data comes with the change set. {error.what}")
    if guarded.lost:
        raise refusal(guarded, locked=False)
