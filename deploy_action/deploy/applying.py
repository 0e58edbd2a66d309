"""`mode: apply`: the reviewed change sets are executed, under the lock, one after another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.cloudformation.change_set import ChangeSetRequest, change_set_name
from deploy_action.cloudformation.stacks import StackRef
from deploy_action.deploy import template as by_template
from deploy_action.deploy.change_set import NativeDeployment, PreparedChangeSet
from deploy_action.deploy.patience import patiently
from deploy_action.deploy.resume import token_of_ours
from deploy_action.deploy.review import review
from deploy_action.deploy.since_review import overtaken
from deploy_action.deploy.stack_settings import set_after, set_before
from deploy_action.deploy.watch_execution import see_through
from deploy_action.errors import CoordinatorError, Overtaken, PlanOutdated, StackSourceError
from deploy_action.estimation.planned_changes import plan_of
from deploy_action.inputs.plan import WhenOutdated
from deploy_action.inputs.settings import Mode
from deploy_action.job.state import Execution
from deploy_action.job.template_upload import uploaded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deploy_action.cloudformation.change_set import ChangeSet
    from deploy_action.deploy.deployment import Deployment
    from deploy_action.deploy.review import Reviewed
    from deploy_action.estimation.planned_changes import PlannedChanges
    from deploy_action.reporting.report import Report


def apply(deployment: Deployment) -> int:
    """Raises PlanOutdated where what was reviewed is not what would be deployed now, and what a verdict other
    than success means."""
    state, asked = deployment.state, deployment.settings
    if state.planned_anew:
        return _planned_anew(deployment)
    if deployment.restarts and state.execution is not None:
        _go_on(deployment, state.execution)
        deployment.settings = asked
    try:
        reviewed = _reviewed(deployment)
    except PlanOutdated as outdated:
        if asked.plan.when_outdated is not WhenOutdated.PLAN or state.applied:
            raise
        for line in (outdated.what, *outdated.said):
            deployment.reporter.line(line)
        deployment.reporter.note(f"{outdated.what} It is planned anew, as `when-outdated: plan` asks.")
        state.planned_anew = True
        deployment.checkpoint()
        return _planned_anew(deployment)
    waiting = [one for one in reviewed if not one.done]
    if waiting:
        _execute_all(deployment, waiting, several=len(reviewed) > 1 or bool(state.applied))
    elif not state.applied:
        deployment.result.left_as_it_was()
        done = "has been executed already" if reviewed else "changes nothing"
        deployment.reporter.line(f"The reviewed change set {done}.")
    return 0


def _reviewed(deployment: Deployment) -> tuple[Reviewed, ...]:
    job, wiring, state = deployment.job, deployment.wiring, deployment.state
    settings = uploaded(job, wiring, deployment.settings, alive=deployment.lock.keep_waiting)
    identity = state.report.correlation_id
    return review(job, wiring, settings, identity, locked=True, applied=state.applied)


def _execute_all(deployment: Deployment, waiting: Sequence[Reviewed], *, several: bool) -> None:
    asked = deployment.settings
    if len(waiting) > 1:
        deployment.reporter.line(f"In this order: {', '.join(str(one.ref) for one in waiting)}.")
    for number, one in enumerate(waiting, start=1):
        try:
            _execute(deployment, one, several=several)
        except CoordinatorError:
            left = ", ".join(str(other.ref) for other in waiting[number:])
            if left:
                deployment.reporter.note(f"Not executed, since {one.ref} came before: {left}.")
            raise
        finally:
            deployment.settings = asked


def _planned_anew(deployment: Deployment) -> int:
    deployment.settings = replace(deployment.settings, mode=Mode.TEMPLATE)
    return by_template.deploy(deployment)


def _execute(deployment: Deployment, one: Reviewed, *, several: bool) -> None:
    """Whatever keeps it from being executed leaves it as it was reviewed, unless it may have begun."""
    state, change_set = deployment.state, one.change_set
    state.earlier = state.report if several else None
    deployment.settings = replace(deployment.settings, stacks=(one.ref,))
    # The look at how the one before ended has a budget, and this one is only to begin.
    deployment.closing.again()
    state.attempts += 1
    name = change_set_name(state.report.correlation_id, state.report.epoch, state.attempts)
    execution = Execution(name, change_set.arn, change_set.stack_id, one.new, one.changed_at)
    deployment.report = replace(deployment.report, changes=change_set.changes, change_set_arn=change_set.arn)
    if not deployment.unwatched:
        by_template.show(deployment, change_set)
    deployment.estimate.foresee(_planned(deployment, one, ""))

    def about_to() -> None:
        state.execution = execution
        deployment.checkpoint()

    if one.changed_at:
        set_before(deployment)
    state.baseline = by_template.baseline_of(deployment)
    _ask_to_execute(deployment, one.ref, change_set, execution, about_to)
    if not deployment.unwatched:
        deployment.estimate.expect(_planned(deployment, one, change_set.arn))
    _finish(deployment, execution, one.ref)


def _ask_to_execute(
    deployment: Deployment,
    ref: StackRef,
    change_set: ChangeSet,
    execution: Execution,
    about_to: Callable[[], None] = lambda: None,
) -> None:
    """As `NativeDeployment.execute`. What certainly was not executed is not remembered any more; raises
    PlanOutdated where somebody else was faster."""
    try:
        _native(deployment, ref, execution.name).execute(
            PreparedChangeSet(change_set, created_stack=False, changed_at=execution.changed_at),
            token=execution.name,
            disable_rollback=deployment.settings.disable_rollback,
            about_to=about_to,
        )
    except CoordinatorError as error:
        deployment.state.execution = None
        deployment.checkpoint()
        if isinstance(error, Overtaken):
            raise overtaken(ref, error) from error
        raise


def _finish(deployment: Deployment, execution: Execution, ref: StackRef) -> None:
    """To its end, and into one report with the stacks that were deployed before it."""
    state = deployment.state
    try:
        see_through(deployment, execution)
    finally:
        if state.earlier is not None:
            state.report = _together(state.earlier, state.report, ref)
            state.earlier = None
    state.applied.append(execution.arn)
    state.execution = None
    deployment.checkpoint()
    if not execution.changed_at:
        set_after(deployment)


def _go_on(deployment: Deployment, execution: Execution) -> None:
    """With what a coordinator that was killed was about to execute. The same token executes nothing twice.

    What certainly was not executed, and cannot be any more, is left to the review.
    """
    state = deployment.state
    region, name = execution.arn.split(":")[3], execution.stack_id.split("/")[1]
    ref = StackRef(region, name)
    deployment.settings = replace(deployment.settings, stacks=(ref,))
    if token_of_ours(deployment) != execution.name:
        change_set = _still_there(deployment, ref, execution)
        if change_set is not None and change_set.never_executed:
            state.execution = None
            state.report = state.earlier or replace(state.report, changes=None, change_set_arn="")
            state.earlier = None
            deployment.checkpoint()
            return
        if change_set is not None and change_set.executable:
            deployment.reporter.line("The reviewed change set had not been executed; it is now.")
            _ask_to_execute(deployment, ref, change_set, execution)
    if not deployment.unwatched:
        kind = "update" if execution.changed_at else "create"
        template = deployment.templates.planned(ref, execution.arn)
        deployment.estimate.expect(
            plan_of(state.report.changes, stack=str(ref), kind=kind, template=template)
        )
    _finish(deployment, execution, ref)


def _still_there(deployment: Deployment, ref: StackRef, execution: Execution) -> ChangeSet | None:
    """None where it cannot be seen: then it may have been executed, and the events decide."""
    try:
        return patiently(deployment, lambda: deployment.cloudformation.change_set(ref, execution.arn))
    except StackSourceError as error:
        if error.temporary:
            raise
        return None


def _together(before: Report, now: Report, ref: StackRef) -> Report:
    """The report of all stacks so far: what is told of each, one after another."""
    outputs = {key if "/" in key else f"{ref.name}/{key}": value for key, value in now.outputs.items()}
    arns = [*before.change_set_arn.split("\n"), now.change_set_arn]
    return replace(
        now,
        stacks=before.stacks + now.stacks,
        outputs=before.outputs | outputs,
        changes=(before.changes or ()) + (now.changes or ()),
        change_set_arn="\n".join(dict.fromkeys(arn for arn in arns if arn)),
        bars=before.bars + now.bars,
        runs=before.runs + now.runs,
        comparisons=before.comparisons + now.comparisons,
        started=now.started if before.started is None else before.started,
    )


def _planned(deployment: Deployment, one: Reviewed, arn: str) -> PlannedChanges:
    template = deployment.templates.planned(one.ref, arn) if arn else None
    kind = "create" if one.new else "update"
    return plan_of(one.change_set.changes, stack=str(one.ref), kind=kind, template=template)


def _native(deployment: Deployment, ref: StackRef, name: str) -> NativeDeployment:
    return NativeDeployment(
        deployment.cloudformation,
        deployment.cloudformation,
        deployment.job.clock,
        ChangeSetRequest(ref, name=name, token=name, description=""),
        cancelled=deployment.job.cancelled,
        tell=deployment.reporter.line,
        alive=deployment.lock.keep_waiting,
        fence=deployment.lock.fence,
    )
