"""`mode: apply`: which change sets were reviewed, and whether they are still what would be deployed now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deploy_action.cloudformation.change_set_tree import read_tree
from deploy_action.cloudformation.retry import retry_while_unavailable
from deploy_action.cloudformation.stacks import StackRef, Verdict, verdict_of
from deploy_action.cloudformation.template_parser import parse_template
from deploy_action.deploy.data_guard import guarded_by
from deploy_action.deploy.prepared import places_of
from deploy_action.deploy.since_review import SinceReview, Target, different
from deploy_action.errors import (
    CannotStart,
    ChangeSetGone,
    PlanOutdated,
    PullRequestUnavailable,
    RegistryError,
    StackSourceError,
)
from deploy_action.inputs.plan import OnDataLoss
from deploy_action.locking.compare_and_swap import read_beside
from deploy_action.plan import difference, record
from deploy_action.plan.data_guard import refusal
from deploy_action.plan.order import Exchange, exports_of, imports_of, in_order

if TYPE_CHECKING:
    from collections.abc import Collection

    from deploy_action.cloudformation.change_set import ChangeSet
    from deploy_action.cloudformation.client import CloudFormation
    from deploy_action.inputs.settings import Settings
    from deploy_action.job.context import JobContext
    from deploy_action.wiring import Wiring

EXECUTED = "EXECUTE_COMPLETE"
EXECUTING = "EXECUTE_IN_PROGRESS"


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A change set to execute. `new`: its stack exists only for it; `done`: it was executed already."""

    ref: StackRef
    change_set: ChangeSet
    new: bool = False
    done: bool = False
    changed_at: float = 0.0
    """When the stack's operation before it began (CloudFormation's unix seconds); 0 for none."""


def review(
    job: JobContext,
    wiring: Wiring,
    settings: Settings,
    correlation_id: str,
    *,
    locked: bool,
    applied: Collection[str] = (),
) -> tuple[Reviewed, ...]:
    """In the order in which they can be executed. `applied`: ARNs of those that this deployment has executed,
    which are left out. Raises PlanOutdated with the difference, CannotStart, and DataAtRisk for `data-loss:
    stop`."""
    source = wiring.cloudformation
    targets = _given(settings) or _remembered(job, wiring, settings)
    targets = [target for target in targets if target.arn not in applied]
    since = SinceReview(job, source, settings, correlation_id)
    found = [_look(since, target, locked=locked) for target in targets]
    waiting = [one for one in found if not one.done]
    trees = [planned for one in waiting for planned in read_tree(source, one.ref.region, one.change_set)]
    guarded = guarded_by(source, trees, settings.plan)
    stops = bool(guarded.lost) and settings.plan.on_data_loss is OnDataLoss.STOP
    if not locked:
        gaps = [sentence for planned in trees for sentence in planned.gaps]
        for sentence in (*(() if stops else guarded.sentences), *gaps):
            job.reporter.note(sentence)
    if stops:
        raise refusal(guarded, locked=locked)
    names = in_order([_exchange(source, one) for one in found])
    return tuple(sorted(found, key=lambda one: names.index(str(one.ref))))


def _given(settings: Settings) -> list[Target]:
    """By `execute-change-set-id`. Raises CannotStart."""
    found = []
    for word in settings.plan.change_sets:
        if word.startswith("arn:"):
            found.append(Target(StackRef(word.split(":")[3], ""), word))
        elif len(settings.stacks) == 1 and not settings.stacks[0].is_glob:
            found.append(Target(settings.stacks[0], word))
        else:
            raise CannotStart(
                f"`execute-change-set-id` names `{word}`, and `stack-name` is not one stack.",
                why="Change sets of several stacks have the same names. Nothing was changed.",
                remedy="Give the ARN, as the output `change-set-arn` of the plan has it.",
            )
    return found


def _remembered(job: JobContext, wiring: Wiring, settings: Settings) -> list[Target]:
    """By the registry. Raises PlanOutdated where it remembers none, CannotStart where it cannot be asked."""
    try:
        plans = record.read(read_beside(wiring.registry(), lambda look: look(record.NAME)))
    except RegistryError as error:
        raise CannotStart(
            f"Which plan was reviewed is not known: {error.what}",
            why="`mode: apply` executes what was reviewed and nothing else. Nothing was changed.",
            remedy="Give the output `change-set-arn` of the plan as `execute-change-set-id`, or run the job "
            "again once the registry answers.",
        ) from error
    commits = _commits(job, wiring)
    places = places_of(settings.stacks)
    plan = record.find(
        plans,
        repository=job.run.repository,
        environment=settings.environment,
        commits=commits,
        places=places,
    )
    if plan is None:
        shown = ", ".join(f"`{commit[:7]}`" for commit in commits) or "this commit"
        raise PlanOutdated(
            f"No plan of {shown} for `{settings.environment or ', '.join(places)}` is remembered.",
            why="`mode: apply` executes what was reviewed and nothing else. Nothing was changed.",
            remedy="Run `mode: plan` for this commit with the same `environment` and `stack-name`; for a new "
            "stack with `keep-change-set: always`. To find the plan of a merged pull request, the job needs "
            "`permissions: pull-requests: read`.",
        )
    if plan.changes and not plan.stacks:
        raise PlanOutdated(
            f"The plan {plan.correlation_id} was reviewed, and its change sets were not kept.",
            why="`mode: apply` executes what was reviewed and nothing else. Nothing was changed.",
            remedy="Plan with `keep-change-set: always`, which keeps also that of a new stack; with "
            "`data-loss: stop`, name in `allow-data-loss` what may go. A closed pull request keeps none.",
        )
    job.reporter.line(
        f"Applies the plan {plan.correlation_id} of {plan.at}{f' ({plan.url})' if plan.url else ''}."
    )
    return [Target(StackRef(one.region, one.name), one.arn, one.changes, one.role) for one in plan.stacks]


def _commits(job: JobContext, wiring: Wiring) -> tuple[str, ...]:
    """This commit, and the heads of the pull requests that were merged as it."""
    own = tuple(dict.fromkeys(commit for commit in (job.run.commit, job.run.event_commit) if commit))
    client = wiring.pull_requests()
    heads: tuple[str, ...] = ()
    for commit in own if client is not None else ():
        try:
            heads += client.heads_of(commit)  # type: ignore[union-attr]  # asked above
        except PullRequestUnavailable as error:
            job.reporter.line(f"Which pull request was merged as {commit[:7]} is not known. {error}")
    return tuple(dict.fromkeys(own + heads))


def _look(since: SinceReview, target: Target, *, locked: bool) -> Reviewed:
    job, source, settings = since.job, since.source, since.settings

    def ask() -> ChangeSet:
        return source.change_set(target.ref, target.arn)

    try:
        change_set = retry_while_unavailable(ask, job.clock, cancelled=job.cancelled, tell=job.reporter.line)
    except ChangeSetGone:
        raise since.outdated(target, "it was deleted") from None
    ref = StackRef(target.ref.region, change_set.stack_name or target.ref.name)
    if not any(_is(asked, ref) for asked in settings.stacks):
        raise CannotStart(
            f"The change set {target.arn} is one of stack {ref}, which `stack-name` does not name.",
            why="The lock would not be that of this stack. Nothing was changed.",
            remedy="Correct `stack-name` or `execute-change-set-id`.",
        )
    lines = target.lines or difference.summary_of(ref.name, change_set.changes)
    target = replace(target, ref=ref, arn=change_set.arn, lines=lines)
    state = source.describe(ref)
    new = state is not None and verdict_of(state.status) is Verdict.NONE
    if (
        change_set.execution_status == EXECUTED
        and state is not None
        and state.change_set_arn == change_set.arn
    ):
        return Reviewed(ref, change_set, new, done=True)
    if change_set.execution_status == EXECUTING and not locked:
        job.reporter.line(f"The reviewed change set of stack {ref} is being executed: waiting for its end.")
        return Reviewed(ref, change_set, new, done=True)
    if not change_set.executable:
        why = f"it is {change_set.execution_status or change_set.status}"
        raise since.outdated(target, why, change_set)
    other = since.differences(target, change_set, state)
    if other:
        raise different(target, other)
    changed_at = state.changed_at if state is not None and not new else 0.0
    return Reviewed(ref, change_set, new, changed_at=changed_at)


def _is(asked: StackRef, ref: StackRef) -> bool:
    return asked.region == ref.region and (asked.short_name == ref.name or asked.matches(ref.name))


def _exchange(source: CloudFormation, one: Reviewed) -> Exchange:
    """Unreadable changes exchange nothing: CloudFormation refuses what is in the wrong order."""
    values = dict(one.change_set.parameters)
    region, account = one.ref.region, one.change_set.stack_id.split(":")[4:5]
    values |= {"AWS::StackName": one.ref.name, "AWS::Region": region, "AWS::AccountId": "".join(account)}
    after, before = (
        _template(source, one, one.change_set.arn),
        None if one.new else _template(source, one, ""),
    )
    return Exchange(
        str(one.ref),
        exports_of(after, values),
        imports_of(after, values),
        exports_of(before, values),
        imports_of(before, values),
    )


def _template(source: CloudFormation, one: Reviewed, arn: str) -> object:
    try:
        found = source.template(one.ref, arn)
        return found if isinstance(found, dict) else parse_template(str(found))
    except (StackSourceError, ValueError):
        return None
