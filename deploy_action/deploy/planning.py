"""`mode: plan`: change sets are made and shown; nothing is locked or executed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.cloudformation.change_set_tree import read_tree
from deploy_action.cloudformation.outcome import Outcome
from deploy_action.deploy import plan_by_command, plan_by_template
from deploy_action.deploy.data_guard import guarded_by
from deploy_action.deploy.plan_publication import publish, superseded_by, withdraw
from deploy_action.deploy.prepared import remove
from deploy_action.errors import CannotStart, CoordinatorError
from deploy_action.estimation.planned_changes import plan_of
from deploy_action.github.pull_requests import pull_request_of
from deploy_action.inputs.plan import KeepChangeSet, OnDataLoss
from deploy_action.inputs.settings import Mode
from deploy_action.job.job_log import optional
from deploy_action.plan.data_guard import refusal
from deploy_action.plan.planned import Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.cloudformation.change_set import ChangeSet
    from deploy_action.cloudformation.change_set_tree import PlannedStack
    from deploy_action.cloudformation.stacks import StackRef
    from deploy_action.deploy.deployment import Deployment
    from deploy_action.deploy.prepared import Prepared


def plan(deployment: Deployment) -> int:
    """Make the change sets, show them, remember what stays. Raises DataAtRisk for `data-loss: stop`."""
    pull_request = pull_request_of(deployment.job.environ)
    if pull_request is not None and pull_request.closed:
        return _closed(deployment, merged=pull_request.merged)
    way = plan_by_template if deployment.settings.mode is Mode.TEMPLATE else plan_by_command
    try:
        prepared = way.prepare(deployment)
    except CannotStart as error:
        refused = f"{error.what} {error.remedy}".strip()
        optional(deployment.reporter, "The plan's page", lambda: _publish_refusal(deployment, refused))
        raise
    try:
        found = _read(deployment, prepared)
        deployment.report = replace(
            deployment.report,
            outcome=Outcome.SKIPPED if found.resources else Outcome.NO_CHANGES,
            changes=tuple(one.change for one in found.resources),
            change_set_arn="\n".join(found.arns),
        )
        superseded = superseded_by(deployment)
        lost = found.guarded.lost and deployment.settings.plan.on_data_loss is OnDataLoss.STOP
        goes = bool(superseded or lost)
        kept = tuple(one for one in prepared if not goes and _stays(deployment, one, found))
        deployment.reporter.channel.tick()
        publish(deployment, found, kept, superseded=superseded)
    except CoordinatorError:
        _discard(deployment, prepared)
        raise
    _discard(deployment, [one for one in prepared if one not in kept])
    if lost:
        raise refusal(found.guarded, locked=False)
    return 0


def _closed(deployment: Deployment, *, merged: bool) -> int:
    deployment.report = replace(deployment.report, outcome=Outcome.SKIPPED)
    if merged:
        deployment.reporter.line("The pull request was merged: its plan waits for `mode: apply`.")
    else:
        deployment.reporter.line("The pull request was closed: what was kept for it is removed.")
        withdraw(deployment)
    return 0


def _publish_refusal(deployment: Deployment, refused: str) -> None:
    publish(deployment, Plan(refused=refused), (), superseded=superseded_by(deployment))


def _read(deployment: Deployment, prepared: Sequence[Prepared]) -> Plan:
    source, settings = deployment.cloudformation, deployment.settings
    trees: list[PlannedStack] = []
    drift: list[str] = []
    for one in prepared:
        if one.change_set.is_empty:
            continue
        root = source.change_set(one.ref, one.change_set.arn, values=True)
        trees += read_tree(source, one.ref.region, root, values=True)
        drift += _drift(deployment, one.ref, root)
    guarded = guarded_by(source, trees, settings.plan)
    changed = [one for one in prepared if one.change_set.changes]
    deployment.estimate.expect(
        *(
            plan_of(one.change_set.changes, stack=str(one.ref), kind="create" if one.new else "update")
            for one in changed
        )
    )
    return Plan(
        tuple(trees),
        new=tuple(one.change_set.stack_name or one.ref.short_name for one in changed if one.new),
        guarded=guarded,
        drift=tuple(drift),
    )


def _drift(deployment: Deployment, ref: StackRef, root: ChangeSet) -> list[str]:
    if root.drift == "DRIFTED":
        return [f"Stack `{root.stack_name}` has drifted; this change set brings it back."]
    if root.drift == "IN_SYNC":
        return [f"Stack `{root.stack_name}` has not drifted."]
    state = optional(
        deployment.reporter, "The look at drift", lambda: deployment.cloudformation.describe(ref)
    )
    if state is not None and state.drift == "DRIFTED":
        return [
            (
                f"Stack `{root.stack_name}` had drifted when that was last looked at: somebody changed "
                "its resources by hand. `deployment-mode: revert-drift` plans with that in view."
            )
        ]
    return []


def _stays(deployment: Deployment, one: Prepared, found: Plan) -> bool:
    keep = deployment.settings.plan.keep_change_set
    if keep is KeepChangeSet.NEVER or one.change_set.arn not in found.arns:
        return False
    return keep is KeepChangeSet.ALWAYS or not one.new


def _discard(deployment: Deployment, prepared: Sequence[Prepared]) -> None:
    for one in prepared:
        trouble = remove(deployment, one.ref, one.change_set.arn, empty_stack=one.new)
        if trouble:
            deployment.reporter.note(trouble)
