"""Way 1: a change set from `template`, its table, then its execution under watch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.cloudformation.change_set import change_set_name
from deploy_action.cloudformation.outcome import Outcome
from deploy_action.deploy.change_set import NativeDeployment, PreparedChangeSet
from deploy_action.deploy.data_guard import guard_data
from deploy_action.deploy.patience import patiently
from deploy_action.deploy.request import request_of
from deploy_action.deploy.resume import what_was_executed
from deploy_action.deploy.stack_settings import set_after, set_before
from deploy_action.deploy.watch_execution import see_through
from deploy_action.errors import (
    Cancelled,
    CannotStart,
    CoordinatorError,
    DeploymentFailed,
    Overtaken,
    StackSourceError,
)
from deploy_action.estimation.planned_changes import plan_of
from deploy_action.job.state import Execution
from deploy_action.job.template_upload import uploaded
from deploy_action.monitoring.baseline import Baseline, take_baseline

if TYPE_CHECKING:
    from deploy_action.cloudformation.change_set import ChangeSet
    from deploy_action.cloudformation.template_graph import Template
    from deploy_action.deploy.deployment import Deployment
    from deploy_action.estimation.planned_changes import PlannedChanges as Planned
    from deploy_action.inputs.settings import Settings


PAUSE_SECONDS = 3.0
"""Before looking whether they are done: a refusal can be ahead of what a read shows."""
ATTEMPTS = 5
"""How often somebody else may get in between."""


def deploy(deployment: Deployment) -> int:
    """Plan and execute; where somebody else began to work on the stack meanwhile, wait and plan anew.

    What a coordinator that was killed has executed, or may have, is seen through to its end instead.
    """
    job = deployment.job
    if deployment.restarts:
        begun = what_was_executed(deployment, lambda name: native_of(deployment, name))
        if begun is not None:
            changes = deployment.state.report.changes
            creates = all(change.action == "Add" for change in changes or ())
            _expect(deployment, creates=creates, change_set="")
            return _see_through(deployment, begun)
    deadline = job.clock.monotonic() + deployment.settings.wait_seconds
    attempt = 1
    while True:
        try:
            return _attempt(deployment)
        except Overtaken as overtaken:
            if attempt == ATTEMPTS:
                raise
            deployment.reporter.line(f"This deployment waits and plans anew. {overtaken.what}")
        began = job.clock.monotonic()
        _wait(deployment, deadline - began)
        deployment.lock.waited(job.clock.monotonic() - began)
        attempt += 1


def _attempt(deployment: Deployment) -> int:
    state, settings = deployment.state, deployment.settings
    state.attempts += 1
    deployment.checkpoint()
    given = settings.change_set.name
    name = change_set_name(state.report.correlation_id, state.report.epoch, state.attempts, given)
    sent = uploaded(deployment.job, deployment.wiring, settings, alive=deployment.lock.keep_waiting)
    native = native_of(deployment, name, sent)
    plan = native.plan(
        delete_rolled_back_stack=settings.delete_rolled_back_stack,
        disable_rollback=settings.disable_rollback,
    )
    deployment.report = replace(
        deployment.report, changes=plan.change_set.changes, change_set_arn=plan.change_set.arn
    )
    if plan.change_set.is_empty:
        set_before(deployment)
        return _nothing_to_change(deployment)
    if not deployment.unwatched:
        show(deployment, plan.change_set)
    try:
        guard_data(deployment, plan.change_set)
    except CoordinatorError:
        native.discard(plan)
        raise
    if settings.no_execute_change_set:
        deployment.report = replace(deployment.report, outcome=Outcome.SKIPPED)
        deployment.reporter.line("Not executed, as `no-execute-changeset` asks.")
        return 0
    deployment.estimate.foresee(_planned(deployment, deployment.templates.own, creates=plan.created_stack))
    begun = _execute(deployment, native, plan, name=name)
    # Only now: an estimate holds nothing up.
    _expect(deployment, creates=plan.created_stack, change_set=plan.change_set.arn)
    return _see_through(deployment, begun)


def _see_through(deployment: Deployment, begun: Execution) -> int:
    code = see_through(deployment, begun)
    if not begun.changed_at or deployment.restarts:
        set_after(deployment)
    return code


def _expect(deployment: Deployment, *, creates: bool, change_set: str) -> None:
    if not deployment.unwatched:
        template = deployment.templates.planned(deployment.settings.stacks[0], change_set)
        deployment.estimate.expect(_planned(deployment, template, creates=creates))


def _planned(deployment: Deployment, template: Template | None, *, creates: bool) -> Planned:
    stack, kind = str(deployment.settings.stacks[0]), "create" if creates else "update"
    return plan_of(deployment.state.report.changes, stack=stack, kind=kind, template=template)


def _wait(deployment: Deployment, seconds: float) -> None:
    """Until the stack is at rest. Raises Busy, Cancelled, LockLost."""
    deployment.job.clock.sleep(PAUSE_SECONDS)
    deployment.coordination.wait_for_stacks(timeout_seconds=seconds)


def native_of(deployment: Deployment, name: str, sent: Settings | None = None) -> NativeDeployment:
    """`sent`: with the template as CloudFormation gets it, where a change set is to be made."""
    job, correlation_id = deployment.job, deployment.state.report.correlation_id
    return NativeDeployment(
        deployment.cloudformation,
        deployment.cloudformation,
        job.clock,
        request_of(sent or deployment.settings, name, of=f"{correlation_id} {job.run.url}"),
        cancelled=job.cancelled,
        tell=deployment.reporter.line,
        alive=deployment.lock.keep_waiting,
        fence=deployment.lock.fence,
    )


def _nothing_to_change(deployment: Deployment) -> int:
    if deployment.settings.fail_on_empty_change_set:
        deployment.report = replace(deployment.report, outcome=Outcome.FAILED)
        raise DeploymentFailed(
            "The template changes nothing in the stack.",
            why="`fail-on-empty-changeset` makes that a failure.",
            remedy="Check that the build put the new version into the template or its parameters.",
        )
    deployment.result.left_as_it_was()
    deployment.reporter.line("Nothing to change: the stack is as the template says.")
    return 0


def show(deployment: Deployment, change_set: ChangeSet) -> None:
    reporter, changes = deployment.reporter, change_set.changes
    counted = f"{len(changes)} change{'' if len(changes) == 1 else 's'}"
    reporter.line(f"Change set {change_set.name}: {counted} planned.")
    for change in changes:
        reporter.log.write(reporter.style.change(change))


def _execute(
    deployment: Deployment, native: NativeDeployment, plan: PreparedChangeSet, *, name: str
) -> Execution:
    """Whatever keeps it from being executed leaves no change set behind."""
    state, change_set = deployment.state, plan.change_set
    execution = Execution(name, change_set.arn, change_set.stack_id, plan.created_stack, plan.changed_at)

    def about_to() -> None:
        state.execution = execution
        deployment.checkpoint()

    try:
        if plan.changed_at:
            _set_before(deployment, native, plan)
        state.baseline = baseline_of(deployment)
        disable_rollback = deployment.settings.disable_rollback
        native.execute(plan, token=name, disable_rollback=disable_rollback, about_to=about_to)
    except CoordinatorError as error:
        # What `execute` refuses it has removed already.
        if not isinstance(error, CannotStart | Cancelled):
            native.discard(plan)
        state.execution = None
        deployment.checkpoint()
        raise
    return execution


def _set_before(deployment: Deployment, native: NativeDeployment, plan: PreparedChangeSet) -> None:
    try:
        set_before(deployment)
    except (CannotStart, Cancelled):
        native.discard(plan)
        raise


def baseline_of(deployment: Deployment) -> Baseline:
    """Empty where the events may not be read: the stack's status is watched instead."""
    source = deployment.cloudformation
    try:
        return patiently(deployment, lambda: take_baseline(source, deployment.settings.stacks))
    except StackSourceError as error:
        if error.temporary:
            raise
        deployment.reporter.note(f"The stack's events cannot be read: {error}")
        return Baseline()
