"""The look at what a change set does to data, right before it would be executed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from deploy_action.cloudformation.change_set_tree import read_tree
from deploy_action.cloudformation.stacks import StackRef
from deploy_action.cloudformation.template_parser import parse_template
from deploy_action.data import read_table
from deploy_action.errors import StackSourceError
from deploy_action.inputs.plan import OnDataLoss
from deploy_action.job.job_log import optional
from deploy_action.plan.data_guard import (
    NESTED_STACK,
    TABLE,
    AtRisk,
    Guarded,
    at_risk,
    at_risk_in,
    deed_of,
    judge,
    loses_nested_stack,
    not_looked_into,
    parse_data_types,
    refusal,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deploy_action.cloudformation.change_set import Change, ChangeSet
    from deploy_action.cloudformation.change_set_tree import PlannedStack
    from deploy_action.cloudformation.client import CloudFormation
    from deploy_action.deploy.deployment import Deployment
    from deploy_action.inputs.plan import PlanSettings


def guard_data(deployment: Deployment, change_set: ChangeSet) -> None:
    """Say what the change set does to data. Raises DataAtRisk where `data-loss: stop` asks to stop for it.

    Where nobody asked to stop, the look itself stops nothing either.
    """
    plan, source = deployment.settings.plan, deployment.cloudformation

    def look() -> Guarded:
        tree = read_tree(source, deployment.settings.stacks[0].region, change_set)
        return guarded_by(source, tree, plan)

    asked = plan.on_data_loss is OnDataLoss.STOP
    guarded = look() if asked else optional(deployment.reporter, "The look at data", look) or Guarded()
    stops = bool(guarded.lost) and asked
    for sentence in guarded.sentences[len(guarded.lost) if stops else 0 :]:
        deployment.reporter.note(sentence)
    if stops:
        raise refusal(guarded, locked=True)


def guarded_by(source: CloudFormation, tree: Iterable[PlannedStack], plan: PlanSettings) -> Guarded:
    """Of all stacks that the change sets are about. A nested stack that cannot be looked into counts as
    data: nobody knows what goes with it. One of which a change set says nothing, since it was made without
    those of nested stacks, counts where `data-loss: stop` asks; else `PlannedStack.gaps` says it."""
    data_types = parse_data_types(read_table(TABLE))
    found: list[AtRisk] = []
    for planned in tree:
        found += at_risk(planned.path, planned.change_set.changes, data_types)
        found += [not_looked_into(planned.path, name) for name, _ in planned.unread]
        if plan.on_data_loss is OnDataLoss.STOP:
            found += [not_looked_into(planned.path, name) for name in planned.left_out]
        for change in planned.change_set.changes:
            if loses_nested_stack(change):
                found += _in_nested(source, planned, change, data_types)
    return judge(tuple(found), plan.allow_data_loss)


def _in_nested(
    source: CloudFormation, planned: PlannedStack, change: Change, data_types: Mapping[str, str]
) -> tuple[AtRisk, ...]:
    path, deed = f"{planned.path}/{change.logical_id}", deed_of(change)
    policy = change.policy_action.removeprefix("ReplaceAnd")
    if policy == "Retain":
        holds = "what is in it"
        return (
            AtRisk(planned.path, change.logical_id, NESTED_STACK, holds, deed, policy, change.physical_id),
        )
    inside = None
    if change.physical_id:
        with suppress(StackSourceError, ValueError):
            template = source.template(StackRef(planned.region, change.physical_id))
            parsed = template if isinstance(template, dict) else parse_template(str(template))
            inside = at_risk_in(path, parsed, data_types, perhaps="perhaps" in deed)
    if inside is not None:
        return inside
    holds = "what is in it could not be read"
    return (AtRisk(planned.path, change.logical_id, NESTED_STACK, holds, deed, "", change.physical_id),)
