"""The plan of a command: the change sets that appeared on the stacks while it ran."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.cloudformation.change_set import made_by
from deploy_action.cloudformation.stacks import StackRef, Verdict, verdict_of
from deploy_action.common.heartbeat import Heartbeat
from deploy_action.deploy.change_set import until_made
from deploy_action.deploy.change_set_failure import why_failed
from deploy_action.deploy.command_failure import failed_command
from deploy_action.deploy.patience import patiently
from deploy_action.deploy.prepared import Prepared, remove
from deploy_action.errors import AmbiguousPlan, CannotStart, CommandFailed, DeploymentFailed, VerdictUnknown
from deploy_action.job.state import EXIT_CODE_LOST
from deploy_action.locking.stack_activity import executed_by

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeVar

    from deploy_action.cloudformation.change_set import ListedChangeSet
    from deploy_action.cloudformation.stacks import StackState
    from deploy_action.deploy.deployment import Deployment

    T = TypeVar("T")

POLL_SECONDS = 0.5
CHANGE_SET_SECONDS = 900.0
"""How long change sets may take to be made once the command has ended. The tools wait for theirs."""
_TOOLS = (
    "cdk deploy --method=prepare-change-set",
    "sam deploy --no-execute-changeset",
    "aws cloudformation deploy --no-execute-changeset",
)


def prepare(deployment: Deployment) -> list[Prepared]:
    """Run the command and find what it made. Raises CommandFailed, DeploymentFailed where it deployed, and
    CannotStart where a change set could not be made."""
    state, folder = deployment.state, deployment.job.folder
    begun: float | None = None
    if not folder.command_was_let_go:
        before = _stacks(deployment)
        state.changed_before = {one.stack_id: one.changed_at for one in before}
        state.change_sets_before = sorted(one.arn for one in _listed(deployment, before))
        begun = deployment.cloudformation.their_time()
        deployment.checkpoint()
        folder.let_command_go()
    elif state.change_sets_before is None or state.changed_before is None:
        raise VerdictUnknown(
            "The coordinator was restarted, and which change sets were there before is not known.",
            why="The command's plan cannot be distinguished from changes of others.",
            remedy="Run the job again.",
        )
    code = _wait_for_command(deployment)
    deployment.report = replace(deployment.report, command_exit_code=None if code == EXIT_CODE_LOST else code)
    after = _stacks(deployment)
    _check_untouched(deployment, after)
    if code == EXIT_CODE_LOST:
        raise VerdictUnknown(
            "The command is gone and left no exit code: the process that waited for it was killed.",
            why="The plan of the command is not known.",
            remedy="Run the job again.",
        )
    new = _new(deployment, after)
    refs = {one.stack_id: one for one in after}
    try:
        if code:
            raise failed_command(deployment, code, seen=True, since=begun)
        _check_one_each(new)
        found = [_ready(deployment, one, refs[one.stack_id]) for one in new]
    except (CannotStart, CommandFailed):
        _leave_none(deployment, new, refs)
        raise
    if not found:
        deployment.reporter.note(
            "The command made no change set on the stacks in `stack-name`: either nothing changes, or it "
            f"does not plan. Commands that do: {', '.join(f'`{tool}`' for tool in _TOOLS)}."
        )
    return found


def _new(deployment: Deployment, after: list[StackState]) -> list[ListedChangeSet]:
    """Those that appeared, in the order in which they were made: tools make them in the order in which their
    stacks depend on each other. One that a coordinator made is another job's."""
    known = set(deployment.state.change_sets_before or ())
    found = [
        one
        for one in _listed(deployment, after)
        if one.arn not in known and not one.nested and not made_by(one.name)
    ]
    return sorted(found, key=lambda one: one.created_at)


def _check_one_each(new: list[ListedChangeSet]) -> None:
    """Raises AmbiguousPlan."""
    for one in new:
        same = [other.name for other in new if other.stack_id == one.stack_id]
        if len(same) > 1:
            raise AmbiguousPlan(
                f"While the command ran, {len(same)} change sets appeared on stack {one.stack_name}: "
                f"{', '.join(same[:5])}.",
                why="Which of them the command made is not known, so none is shown as its plan.",
                remedy="Plan one at a time: give the job a concurrency group for the environment, with "
                "`queue: max`.",
            )


def _leave_none(deployment: Deployment, new: list[ListedChangeSet], refs: Mapping[str, StackState]) -> None:
    """After a failure nothing is to be applied. Where more than one appeared, they may be others'."""
    before = deployment.state.changed_before or {}
    for one in new:
        if len([other for other in new if other.stack_id == one.stack_id]) == 1:
            ref = StackRef(refs[one.stack_id].ref.region, one.stack_id)
            trouble = remove(deployment, ref, one.arn, empty_stack=one.stack_id not in before)
            if trouble:
                deployment.reporter.note(trouble)


def _ready(deployment: Deployment, listed: ListedChangeSet, state: StackState) -> Prepared:
    """Once CloudFormation has made it. Raises CannotStart where it could not."""
    source, clock = deployment.cloudformation, deployment.job.clock
    ref = StackRef(state.ref.region, listed.stack_id)
    deadline = clock.monotonic() + CHANGE_SET_SECONDS

    def alive() -> None:
        if clock.monotonic() >= deadline:
            raise CannotStart(
                f"The change set {listed.name} was not made within {CHANGE_SET_SECONDS / 60:.0f} minutes.",
                why="Its changes are not known.",
                remedy="Look at it in the CloudFormation console.",
            )
        deployment.lock.keep_waiting()

    change_set = until_made(
        lambda: patiently(deployment, lambda: source.change_set(ref, listed.arn)),
        clock,
        Heartbeat(clock, deployment.reporter.line, f"CloudFormation still makes {listed.name}"),
        alive=alive,
    )
    if not (change_set.executable or change_set.is_empty):
        raise CannotStart(
            f"CloudFormation could not make the change set of stack {listed.stack_name}: "
            f"{why_failed(source, ref, change_set.arn, change_set.reason or change_set.status)}",
            why="Nothing was changed.",
            remedy="Correct the template or its parameters.",
        )
    return Prepared(
        StackRef(ref.region, listed.stack_name), change_set, verdict_of(state.status) is Verdict.NONE
    )


def _wait_for_command(deployment: Deployment) -> int:
    job = deployment.job
    while (code := job.folder.command_exit_code()) is None:
        if job.cancelled():
            deployment.lock.fence()
        deployment.lock.keep_waiting()
        job.clock.sleep(POLL_SECONDS)
    return code


def _check_untouched(deployment: Deployment, after: list[StackState]) -> None:
    """A command that was to plan and deployed did so without the lock: that is told, and no plan."""
    before = deployment.state.changed_before or {}
    changed = [
        one
        for one in after
        if verdict_of(one.status) is not Verdict.NONE
        and one.changed_at != before.get(one.stack_id)
        # Another deployment under this coordinator has its lock, and its change set says whose it is.
        and not made_by(executed_by(one))
    ]
    if changed:
        names = ", ".join(str(one.ref) for one in changed[:5])
        raise DeploymentFailed(
            f"While the command ran to plan, {names} changed: the command executed something, or somebody "
            "else deployed.",
            why="`mode: plan` takes no lock, so nothing kept that apart from other deployments.",
            remedy=f"Let the command only plan: {', '.join(f'`{tool}`' for tool in _TOOLS)}.",
        )


def _stacks(deployment: Deployment) -> list[StackState]:
    source = deployment.cloudformation
    found: dict[str, StackState] = {}
    for ref in deployment.settings.stacks:
        if ref.is_glob:
            states = list(patiently(deployment, lambda ref=ref: source.matching(ref)))  # type: ignore[misc]
        else:
            state = patiently(deployment, lambda ref=ref: source.describe(ref))  # type: ignore[misc]
            states = [state] if state is not None else []
        found |= {one.stack_id: one for one in states}
    return list(found.values())


def _listed(deployment: Deployment, stacks: list[StackState]) -> list[ListedChangeSet]:
    source = deployment.cloudformation
    return [
        listed
        for one in stacks
        for listed in patiently(
            deployment,
            lambda one=one: source.change_sets(StackRef(one.ref.region, one.stack_id)),  # type: ignore[misc]
        )
    ]
