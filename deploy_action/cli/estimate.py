"""How long a deployment would take, asked before anything is begun."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deploy_action.cli import NOT_FOUND
from deploy_action.cli.common import (
    RegistrySession,
    UsageError,
    as_json,
    echo,
    region_option,
    say_json,
    stack_refs,
    warn,
    with_registry,
)
from deploy_action.cli.text import history as render
from deploy_action.cloudformation.aws_clients import AwsClients
from deploy_action.cloudformation.client import CloudFormation
from deploy_action.cloudformation.template_diff import changes_between
from deploy_action.cloudformation.template_graph import template_of
from deploy_action.cloudformation.template_parser import parse_template
from deploy_action.errors import ChangeSetGone, StackSourceError
from deploy_action.estimation.accuracy import accuracy_of
from deploy_action.estimation.estimator import of_stacks
from deploy_action.estimation.history_forecast import LearnedForecast
from deploy_action.estimation.planned_changes import plan_of, plan_of_template
from deploy_action.history.backfill import collect
from deploy_action.job.estimates import sentence

if TYPE_CHECKING:
    from deploy_action.cloudformation.stacks import StackRef, StackState
    from deploy_action.estimation.planned_changes import PlannedChanges
    from deploy_action.history.deployments import DeploymentHistory
    from deploy_action.history.estimate import Estimate


@dataclass(frozen=True, slots=True)
class _Asked:
    """`plan` is None where nothing is known but the stack."""

    stack: StackRef
    plan: PlannedChanges | None


@click.command()
@click.argument("name", metavar="STACK")
@region_option
@click.option(
    "--template",
    type=click.Path(path_type=Path),
    help="The template to deploy. Of an existing stack, differing resources count, not parameters.",
)
@click.option("--change-set", metavar="NAME|ARN", default="", help="The change set to execute.")
@as_json
@with_registry
def command(
    desk: RegistrySession, name: str, *, region: str, template: Path | None, change_set: str, machine: bool
) -> int:
    """How long deploying STACK would take: low, mid and high, what that rests on, and how good earlier
    estimates were.

    STACK is NAME or REGION/NAME. Without --template or --change-set: what deployments of it usually take.
    Where the history does not know the stack, CloudFormation's own events are read; nothing is written.
    """
    (ref,) = stack_refs((name,), region)
    if ref.is_glob:
        raise UsageError(f"STACK: `{name}` is not one stack.")
    if template is not None and change_set:
        raise UsageError("--template and --change-set: give one of them.")
    source = CloudFormation(AwsClients())
    state = source.describe(ref)
    past = _past(desk, source, ref, state)
    asked = _asked(source, ref, state, template, change_set)
    if asked.plan is not None and asked.plan.changes == ():
        warn(f"Nothing in {ref} would change.")
    estimate = _estimate(past, asked)
    if estimate is None:
        known = past.of(str(ref))
        why = f"No update of {ref} has ended well so far" if known else f"Nothing is known of {ref}"
        warn(f"{why}{'' if state else ', and there is no such stack'}. Give --template or --change-set.")
        return NOT_FOUND
    _tell(past, asked, estimate, machine=machine)
    return 0


def _past(
    desk: RegistrySession, source: CloudFormation, ref: StackRef, state: StackState | None
) -> DeploymentHistory:
    content = desk.history()
    past = desk.past(content)
    if past.trouble:
        warn(past.trouble)
    if state is None or past.of(str(ref)):
        return past
    found = collect(source, [ref])
    for one in found.found:
        if one.trouble:
            warn(f"{one.stack}: {one.trouble}")
    if not found.records:
        return past
    warn(f"Learned from CloudFormation's own events ({len(found.records)} operations); see `collect`.")
    return desk.past(content, found.records)


def _asked(
    source: CloudFormation, ref: StackRef, state: StackState | None, template: Path | None, change_set: str
) -> _Asked:
    exists = state is not None and state.status != "REVIEW_IN_PROGRESS"
    kind = "update" if exists else "create"
    if change_set:
        try:
            found = source.change_set(ref, change_set)
        except ChangeSetGone as error:
            raise UsageError(f"--change-set: {error.what}") from error
        body = _processed(source, ref, found.arn)
        return _Asked(ref, plan_of(found.changes, stack=str(ref), kind=kind, template=template_of(body)))
    if template is None:
        return _Asked(ref, None)
    try:
        data = parse_template(template.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise UsageError(f"--template: {error}") from error
    wanted = template_of(data)
    if wanted is None:
        raise UsageError("--template: it names no resources.")
    if wanted.transformed:
        warn("Macros make something else of this template: a --change-set shows more.")
    if not exists:
        return _Asked(ref, plan_of_template(wanted, stack=str(ref)))
    changes = changes_between(_processed(source, ref), data)
    plan = None if changes is None else plan_of(changes, stack=str(ref), kind=kind, template=wanted)
    if plan is None:
        warn(f"{ref} and this template could not be compared: the estimate is of its usual deployments.")
    return _Asked(ref, plan)


def _processed(source: CloudFormation, ref: StackRef, change_set: str = "") -> object:
    try:
        body = source.template(ref, change_set)
        return body if isinstance(body, dict) else parse_template(str(body))
    except (StackSourceError, ValueError) as error:
        warn(f"The template could not be read: {error}")
        return None


def _estimate(past: DeploymentHistory, asked: _Asked) -> Estimate | None:
    if asked.plan is None:
        return of_stacks(past, (asked.stack,))
    return LearnedForecast(past, (asked.plan,)).estimate


def _tell(past: DeploymentHistory, asked: _Asked, estimate: Estimate, *, machine: bool) -> None:
    stack = str(asked.stack)
    accuracy = accuracy_of(one for one in past.deployments if one.stacks == (stack,))
    changes = asked.plan.changes if asked.plan is not None else None
    if machine:
        found: dict[str, object] = {
            "stack": stack,
            "low_seconds": round(estimate.low_seconds, 1),
            "mid_seconds": round(estimate.mid_seconds, 1),
            "high_seconds": round(estimate.high_seconds, 1),
            "basis": estimate.basis,
            "deployments": estimate.samples,
            "resources": None if changes is None else len(changes),
        }
        if accuracy is not None:
            found["earlier_estimates"] = {
                "count": accuracy.count,
                "held": accuracy.inside,
                "median_error": round(accuracy.median_error, 3),
            }
        say_json(found)
        return
    counted = "" if changes is None else f" of {len(changes)} change{'' if len(changes) == 1 else 's'}"
    echo(f"{stack}: a deployment{counted}. {sentence(estimate)}")
    if accuracy is not None:
        echo(render.accuracy(accuracy))
