"""Way 1: a change set from `template`, its table, then its execution under watch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deploy_action.core.change_set import ChangeSetRequest, change_set_name
from deploy_action.core.report import Outcome
from deploy_action.engine.native import NativeDeployment, Plan
from deploy_action.engine.patience import patiently
from deploy_action.engine.watcher import Watcher, take_baseline
from deploy_action.errors import CoordinatorError, DeploymentFailed, StackSourceError

if TYPE_CHECKING:
    from deploy_action.steps.deployment import Deployment


def deploy(deployment: Deployment) -> int:
    state, settings = deployment.state, deployment.settings
    name = change_set_name(state.report.correlation_id, state.report.epoch)
    native = _native(deployment, name)
    plan = native.plan(delete_rolled_back_stack=settings.delete_rolled_back_stack)
    deployment.report(changes=plan.change_set.changes, change_set_arn=plan.change_set.arn)
    if plan.change_set.is_empty:
        return _nothing_to_change(deployment)
    _show(deployment, plan)
    if settings.no_execute_change_set:
        deployment.report(outcome=Outcome.SKIPPED)
        deployment.teller.line("Not executed, as `no-execute-changeset` asks.")
        return 0
    watcher = _execute(deployment, native, plan, token=name)
    end = deployment.watch(watcher, lambda: watcher.at_rest)
    deployment.judge(end, deployment.read_outcome(watcher, ours_only=True))
    return 0


def _native(deployment: Deployment, name: str) -> NativeDeployment:
    settings, world = deployment.settings, deployment.world
    body = None
    if not settings.template.startswith("https://"):
        workspace = Path(world.environ.get("GITHUB_WORKSPACE") or ".")
        body = (workspace / settings.template).read_text("utf-8-sig")
    request = ChangeSetRequest(
        stack=settings.stacks[0],
        name=name,
        token=name,
        description=f"deploy-coordinator {deployment.state.report.correlation_id} {world.run.url}"[:1024],
        template_body=body,
        template_url=settings.template if body is None else None,
        parameters=settings.parameters,
        capabilities=settings.capabilities,
        tags=settings.tags,
        role_arn=settings.role_arn or None,
    )
    return NativeDeployment(
        deployment.cloudformation,
        deployment.cloudformation,
        world.clock,
        request,
        cancelled=world.cancelled,
        tell=deployment.teller.line,
        alive=deployment.keep_lock,
    )


def _nothing_to_change(deployment: Deployment) -> int:
    if deployment.settings.fail_on_empty_change_set:
        deployment.report(outcome=Outcome.FAILED)
        raise DeploymentFailed(
            "The template changes nothing in the stack.",
            why="`fail-on-empty-changeset` makes that a failure.",
            remedy="Check that the build put the new version into the template or its parameters.",
        )
    deployment.report(outcome=Outcome.NO_CHANGES)
    deployment.teller.line("Nothing to change: the stack is as the template says.")
    return 0


def _show(deployment: Deployment, plan: Plan) -> None:
    teller, changes = deployment.teller, plan.change_set.changes
    counted = f"{len(changes)} change{'' if len(changes) == 1 else 's'}"
    teller.line(f"Change set {plan.change_set.name}: {counted} planned.")
    for change in changes:
        teller.log.write(teller.style.change(change))


def _execute(deployment: Deployment, native: NativeDeployment, plan: Plan, *, token: str) -> Watcher:
    """Fence and execute; whatever keeps that from happening leaves no change set behind."""
    world, source = deployment.world, deployment.cloudformation
    try:
        baseline = patiently(
            lambda: take_baseline(source, deployment.settings.stacks),
            world.clock,
            cancelled=world.cancelled,
        )
        deployment.fence()
    except CoordinatorError:
        native.discard(plan)
        raise
    watcher = Watcher(source, baseline, token=token)
    try:
        native.execute(plan, token=token, disable_rollback=deployment.settings.disable_rollback)
    except StackSourceError as error:
        # No answer does not mean that it did not begin: watch, and let the events tell.
        deployment.teller.note(f"Whether the change set was executed is not clear yet: {error}")
    except CoordinatorError:
        native.discard(plan)
        raise
    return watcher
