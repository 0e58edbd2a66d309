"""Where a plan is shown and kept: log, outputs, summary, the comment on the pull request, the registry.

Only the log is sure. What else fails is said and fails nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.cloudformation.stacks import StackRef
from deploy_action.common.times import iso
from deploy_action.deploy.prepared import places_of, remove
from deploy_action.errors import PullRequestUnavailable, RegistryError
from deploy_action.github.pull_requests import pull_request_of
from deploy_action.inputs.plan import OnDataLoss
from deploy_action.inputs.settings import Mode
from deploy_action.job.default_locks import lock_names
from deploy_action.job.job_log import optional
from deploy_action.locking.compare_and_swap import PATIENCE_SECONDS, FileChange, change_beside
from deploy_action.plan import record
from deploy_action.plan.difference import summary_of
from deploy_action.plan.planned import PlanOutputs, changes_as_json
from deploy_action.plan.record import RecordedPlan, RecordedStack
from deploy_action.reporting.plan_page import counted, marker, plan_page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.deploy.deployment import Deployment
    from deploy_action.deploy.prepared import Prepared
    from deploy_action.plan.planned import Plan

SUMMARY_BYTES_MAX = 900_000
DEPLOYING_MAX = 5


def superseded_by(deployment: Deployment) -> str:
    """The commit that was pushed onto the pull request since; empty where this plan is of its newest one, or
    where that is not known."""
    pull_request = pull_request_of(deployment.job.environ)
    client = deployment.wiring.pull_requests() if pull_request is not None and pull_request.head else None
    if pull_request is None or client is None:
        return ""
    try:
        head = client.head_of(pull_request.number)
    except PullRequestUnavailable as error:
        deployment.reporter.line(f"The newest commit of the pull request is not known. {error}")
        return ""
    return "" if head == pull_request.head else head


def withdraw(deployment: Deployment) -> None:
    """For a pull request that was closed without a merge: nothing that was kept for it stays."""
    optional(deployment.reporter, "Removing what was planned", lambda: _remember(deployment, None, ()))


def publish(deployment: Deployment, plan: Plan, kept: Sequence[Prepared], *, superseded: str = "") -> None:
    """`kept`: the change sets that stay to be applied; `superseded`: the commit whose plan is the one to
    review, so that this one is neither commented nor remembered."""
    reporter = deployment.reporter
    plan = replace(
        plan, deploying=optional(reporter, "The look at the lock", lambda: _deploying(deployment)) or ()
    )
    for one in plan.resources:
        reporter.log.write(reporter.style.change(one.change))
    reporter.line(
        f"Planned: {counted(plan) or ('nothing, ' + plan.refused if plan.refused else 'no changes')}."
    )
    for sentence in (*plan.guarded.sentences, *plan.drift, *plan.gaps):
        reporter.note(sentence)
    if not plan.refused and not superseded:
        optional(reporter, "Remembering the plan", lambda: _remember(deployment, plan, kept))
    text = _page(deployment, plan, kept, superseded)
    rows = tuple((one.path, one.change) for one in plan.resources)
    deployment.report = replace(deployment.report, plan=PlanOutputs(len(rows), changes_as_json(rows), text))
    if superseded:
        reporter.note(_passed_by(superseded))
    else:
        optional(reporter, "The comment on the pull request", lambda: _comment(deployment, text))
    whole = _page(deployment, plan, kept, superseded, bytes_max=SUMMARY_BYTES_MAX)
    trouble = deployment.job.files.add_summary(whole)
    if trouble:
        reporter.note(trouble)


def _page(
    deployment: Deployment,
    plan: Plan,
    kept: Sequence[Prepared],
    superseded: str,
    *,
    bytes_max: int | None = None,
) -> str:
    report = deployment.state.report
    names = [str(ref) for ref in deployment.settings.stacks]
    notes = [*plan.deploying, *plan.drift, *plan.gaps]
    if superseded:
        notes.append(_passed_by(superseded))
    elif plan.resources and not plan.refused:
        notes.append(_what_next(deployment, plan, kept))
    limit = {} if bytes_max is None else {"bytes_max": bytes_max}
    return plan_page(
        plan,
        title=report.subject,
        links=report.links,
        estimate=report.estimate,
        notes=notes,
        first_line=marker(report.environment, names),
        **limit,
    )


def _passed_by(commit: str) -> str:
    return (
        f"{commit[:7]} was pushed meanwhile: this plan of an older commit stands in the summary alone, and "
        "its change sets are removed."
    )


def _what_next(deployment: Deployment, plan: Plan, kept: Sequence[Prepared]) -> str:
    if kept:
        names = ", ".join(f"`{one.change_set.name}`" for one in kept[:5])
        return f"`mode: apply` executes exactly this: {names}."
    if plan.guarded.lost and deployment.settings.plan.on_data_loss is OnDataLoss.STOP:
        return "No change set is kept, since `data-loss: stop` asks to stop for the data above."
    if deployment.settings.plan.keep_change_set.value == "never":
        return "No change set is kept, as `keep-change-set: never` asks."
    return "No change set is kept, since the stack is new. `keep-change-set: always` keeps it."


def _deploying(deployment: Deployment) -> tuple[str, ...]:
    """The deployments that run there, by the registry."""
    job, settings = deployment.job, deployment.settings
    locks = set(lock_names(job, deployment.wiring, settings))
    document = deployment.wiring.look(job.clock)
    found = [one for one in document.tickets if locks & set(one.locks)]
    return tuple(
        f"`{one.correlation_id}`{f' by {one.actor}' if one.actor else ''} "
        f"{'deploys there now' if one.holding else 'waits to deploy there'}."
        for one in found[:DEPLOYING_MAX]
    )


def _comment(deployment: Deployment, text: str) -> None:
    reporter = deployment.reporter
    if not deployment.settings.plan.comment:
        return
    pull_request = pull_request_of(deployment.job.environ)
    if pull_request is None:
        reporter.line("This run is about no pull request, so the plan stands in the summary alone.")
        return
    client = deployment.wiring.pull_requests()
    if client is None:
        reporter.note(
            "The plan stands in the summary alone: there is no token of this GitHub to comment with."
        )
        return
    first_line = text.partition("\n")[0]
    try:
        address = client.comment(pull_request.number, first_line, text)
    except PullRequestUnavailable as error:
        reporter.note(f"The plan could not be commented and stands in the summary alone. {error}")
        return
    reporter.line(
        f"Commented the plan on pull request {pull_request.number}{f': {address}' if address else ''}."
    )


def _remember(deployment: Deployment, plan: Plan | None, kept: Sequence[Prepared]) -> None:
    """For `mode: apply`; the change sets of the earlier plan in its place are removed. None: one that is not
    to be applied any more."""
    job, report = deployment.job, deployment.state.report
    pull_request = pull_request_of(job.environ)
    commits = (job.run.commit, job.run.event_commit, pull_request.head if pull_request else "")
    settings = deployment.settings
    role = settings.role_arn if settings.mode is Mode.TEMPLATE else None
    remembered = RecordedPlan(
        repository=job.run.repository,
        environment=report.environment,
        commits=tuple(dict.fromkeys(commit for commit in commits if commit)),
        places=places_of(deployment.settings.stacks),
        stacks=tuple(_recorded(plan, one, role) for one in kept) if plan is not None else (),
        changes=plan is None or bool(plan.resources),
        pull_request=pull_request.number if pull_request else 0,
        at=iso(job.clock.now()),
        url=job.run.url,
        correlation_id=report.correlation_id,
    )
    replaced: list[RecordedStack] = []

    def change(content: bytes | None) -> bytes:
        replaced[:] = record.replaced_by(record.read(content), remembered)
        return record.merged(content, remembered)

    try:
        change_beside(
            deployment.wiring.registry(),
            job.clock,
            FileChange(record.NAME, change),
            message=f"plan {report.correlation_id} {report.environment}",
            patience_seconds=PATIENCE_SECONDS,
        )
    except RegistryError as error:
        reporter = deployment.reporter
        reporter.note(
            f"The plan is not remembered, so `mode: apply` needs its output `change-set-arn`. {error}"
        )
        return
    for one in replaced:
        trouble = remove(deployment, StackRef(one.region, one.stack_id), one.arn, empty_stack=one.new)
        if trouble:
            deployment.reporter.line(trouble)


def _recorded(plan: Plan, one: Prepared, role: str | None) -> RecordedStack:
    name = one.change_set.stack_name or one.ref.short_name
    lines = [
        line
        for planned in plan.stacks
        if planned.path.partition("/")[0] == name and planned.region == one.ref.region
        for line in summary_of(planned.path, planned.change_set.changes)
    ]
    return RecordedStack(
        one.ref.region,
        name,
        one.change_set.stack_id,
        one.change_set.arn,
        tuple(lines[: record.CHANGES_MAX]),
        one.new,
        role,
    )
