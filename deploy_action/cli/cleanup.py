"""Shows what a failure left behind, and cleans it up on request."""

from __future__ import annotations

import secrets
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click

from deploy_action.cleanup import text as render
from deploy_action.cleanup.plan import CleanupStep, Deed, Left, steps_for
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
from deploy_action.errors import BehindUnavailable, Busy, CoordinatorError, StackSourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.cloudformation.aws_clients import AwsClients
    from deploy_action.cloudformation.client import CloudFormation
    from deploy_action.cloudformation.stacks import StackRef

TIMEOUT_SECONDS = 3600.0


@click.command()
@click.argument("name", metavar="STACK")
@region_option
@click.option("--yes", is_flag=True, help="Do it, and watch until CloudFormation is done.")
@click.option(
    "--skip",
    multiple=True,
    metavar="RESOURCE",
    help="Of a failed rollback: leave this resource out. Of a failed deletion: leave it where it is.",
)
@click.option(
    "--delete-orphan",
    "orphans",
    multiple=True,
    metavar="NAME",
    help="Delete this one, which the rollback left, and its content with it.",
)
@click.option(
    "--despite-lock", is_flag=True, help="Even while a deployment holds the stack's lock, or nobody knows."
)
@click.option(
    "--role-arn",
    default="",
    metavar="ARN",
    help="The service role, where CloudFormation is to use another one.",
)
@as_json
@with_registry
def command(
    desk: RegistrySession,
    name: str,
    *,
    region: str,
    yes: bool,
    skip: tuple[str, ...],
    orphans: tuple[str, ...],
    despite_lock: bool,
    role_arn: str,
    machine: bool,
) -> int:
    """Clean up after a failed deployment of STACK.

    Without --yes nothing is changed: it shows the steps, and ends with 1 where there are any. With --yes it
    deletes a stack that can only be deleted, or goes on with a failed rollback, watches that to its end, and
    deletes the orphans that were named. It ends with 0 when all is clean, 1 when something went wrong, 2 when
    a deployment holds the lock, 4 when AWS refuses.
    """
    from deploy_action.cleanup.runner import look
    from deploy_action.cloudformation.aws_clients import AwsClients
    from deploy_action.cloudformation.client import CloudFormation

    refs = stack_refs((name,), region)
    if refs[0].is_glob:
        raise UsageError("STACK must be the name of one stack, without `*`.")
    clients = AwsClients()
    source = CloudFormation(clients)
    state, left = look(source, refs[0])
    if state is None or left is None:
        warn(f"There is no stack {refs[0]}.")
        return NOT_FOUND
    steps = steps_for(left)
    if machine and not yes:
        say_json(_shown(left, steps))
        return NOT_FOUND if steps else 0
    if not steps:
        echo(f"Stack {refs[0]} is {left.status}: nothing to clean up.")
        return 0
    chosen = _chosen(left, steps, skip, orphans)
    if not yes:
        _show(left, steps)
        return NOT_FOUND
    if not despite_lock:
        _refuse_where_locked(desk, refs[0], clients)
    return _clean(desk, source, clients, left, chosen, role_arn=_role(role_arn))


_DOING = {
    Deed.DELETE_STACK: "Deleting",
    Deed.CONTINUE_ROLLBACK: "Going on with the rollback of",
    Deed.ROLL_BACK: "Rolling back",
}


def _role(text: str) -> str:
    from deploy_action.inputs.values import role_arn

    try:
        return role_arn(text) if text else ""
    except ValueError as error:
        raise UsageError(f"--role-arn: {error}") from error


def _shown(left: Left, steps: Sequence[CleanupStep]) -> dict[str, object]:
    return {
        "stack": f"{left.region}/{left.name}",
        "status": left.status,
        "steps": [{**asdict(step), "deed": step.deed.value} for step in steps],
    }


def _show(left: Left, steps: Sequence[CleanupStep]) -> None:
    echo(f"Stack {left.region}/{left.name} is {left.status}.")
    for line in render.lines(steps):
        click.echo(line)
    warn("Nothing was changed. With --yes the first step is done here; --skip and --delete-orphan name more.")


def _chosen(
    left: Left, steps: Sequence[CleanupStep], skip: tuple[str, ...], orphans: tuple[str, ...]
) -> list[CleanupStep]:
    """The first step with what was asked for, and the orphans that were named. Raises WrongWords."""
    unknown = [one for one in skip if one not in left.stuck]
    if unknown:
        known = f" Known: {', '.join(left.stuck)}." if left.stuck else ""
        raise UsageError(f"--skip: {', '.join(unknown)} is nothing that failed there.{known}")
    names = {step.resources[0]: step for step in steps if step.deed is Deed.DELETE_ORPHAN}
    strange = [one for one in orphans if one not in names]
    if strange:
        known = f" Known: {', '.join(names)}." if names else ""
        raise UsageError(f"--delete-orphan: {', '.join(strange)} is not left over from this stack.{known}")
    first = [step for step in steps if step.deed is not Deed.DELETE_ORPHAN][:1]
    return [*(replace(step, resources=skip) for step in first), *(names[one] for one in orphans)]


def _refuse_where_locked(desk: RegistrySession, stack: StackRef, clients: AwsClients) -> None:
    """Raises Busy; also where nobody can tell."""
    from deploy_action.cleanup.runner import holder_of
    from deploy_action.cloudformation.client import Sts

    remedy = "Wait for it; or add --despite-lock, if you are sure that it is gone."
    try:
        account = Sts(clients, stack.region).whoami().account
    except StackSourceError:
        account = ""
    try:
        holder = holder_of(desk.document(), stack, account)
    except CoordinatorError as error:
        raise Busy(
            f"Could not look up whether a deployment is working on {stack}. {error.what}",
            why="Nothing was changed.",
            remedy="Name the registry by --registry; or add --despite-lock, if you know that none is.",
        ) from error
    if holder is not None:
        raise Busy(
            f"Deployment {holder.correlation_id} holds the lock {', '.join(holder.locks)} for {stack}. "
            f"{holder.url}".rstrip(),
            why="Nothing was changed.",
            remedy=remedy,
        )


def _clean(
    desk: RegistrySession,
    source: CloudFormation,
    clients: AwsClients,
    left: Left,
    steps: Sequence[CleanupStep],
    *,
    role_arn: str,
) -> int:
    from deploy_action.cleanup.runner import carry_out

    code = 0
    for step in steps:
        if step.deed is Deed.DELETE_ORPHAN:
            code = max(code, _delete_orphan(step, clients))
            continue
        doing = _DOING[step.deed]
        without = f" without {', '.join(step.resources)}" if step.resources else ""
        echo(f"{doing} {left.region}/{left.name}{without}.")
        end = carry_out(
            step,
            source,
            source,
            desk.clock,
            status=left.status,
            token=f"cleanup-{secrets.token_hex(6)}",
            tell=echo,
            cancelled=lambda: False,
            timeout_seconds=TIMEOUT_SECONDS,
            role_arn=role_arn,
        )
        echo(f"Done: {left.region}/{left.name} is {end or 'gone'}.")
    return code


def _delete_orphan(step: CleanupStep, clients: AwsClients) -> int:
    """0, or 1 where AWS refuses: in its own words, and the others are still tried."""
    from deploy_action.cleanup.orphan_deleter import Orphans

    name = step.resources[0]
    try:
        Orphans(clients).delete(step.resource_type, name, step.region)
    except BehindUnavailable as error:
        warn(f"{step.resource_type} {name} could not be deleted: {error.what}.")
        return 1
    echo(f"Deleted {step.resource_type} {name}.")
    return 0
