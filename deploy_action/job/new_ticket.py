"""The ticket of this deployment: what it asks for, and what others may know of it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from deploy_action.common.times import iso
from deploy_action.github.workflow_file import parse_workflow
from deploy_action.inputs.settings import Hold
from deploy_action.job.account import soon_known
from deploy_action.job.concurrency import workflow_text
from deploy_action.locking.delegation import nonce_of
from deploy_action.locking.document import (
    LEASE_SECONDS,
    LEASE_SECONDS_MAX,
    WHOLE_RUN,
    QueuePolicy,
    Ticket,
)
from deploy_action.locking.queue_order import Priority
from deploy_action.locking.stores import store_of
from deploy_action.locking.superseding import unknown_of
from deploy_action.locking.tokens import new_nonce

if TYPE_CHECKING:
    from deploy_action.inputs.settings import Settings
    from deploy_action.job.context import JobContext
    from deploy_action.job.state import JobState
    from deploy_action.locking.github_jobs import GitHubRuns
    from deploy_action.wiring import Wiring

UNKNOWN_WORDS = {
    "account": "AWS account",
    "repository": "repository",
    "workflow_file": "workflow file",
    "job_key": "job and its leg of a matrix (`actions: read` shows it)",
    "ref": "branch or tag",
    "commit": "commit",
    "run_number": "run's number",
    "stacks": "stacks (give `stack-name`)",
}


def new_ticket(job: JobContext, wiring: Wiring, settings: Settings, state: JobState) -> Ticket:
    run = job.run
    if run.hosted_runner and store_of(settings.registry.kind).of_one_machine:
        job.reporter.note(
            "The registry is a file on a GitHub-hosted runner, whose disk is shared with nobody: this "
            "lock keeps nobody apart. Use `registry: github`, s3:// or dynamodb://."
        )
    for_run = settings.hold is Hold.RUN  # between jobs nobody is there to renew
    newest = settings.queue_policy is QueuePolicy.NEWEST
    ticket = Ticket(
        nonce=nonce_of(state.lock_token) if state.lock_token else new_nonce(),
        correlation_id=state.report.correlation_id,
        locks=state.report.locks,
        shared=settings.shared_locks,
        stacks=tuple(f"{stack.region}/{stack.name}" for stack in settings.stacks),
        policy=settings.queue_policy,
        priority=settings.priority.value if settings.priority is Priority.HIGH else "",
        account=soon_known(wiring, settings) if settings.stacks else "",
        requested_at=iso(job.clock.now()),
        repository=run.repository,
        run_id=run.run_id,
        run_attempt=run.run_attempt,
        job=WHOLE_RUN if for_run else run.check_run_id or run.job,
        lease_seconds=LEASE_SECONDS_MAX if for_run else LEASE_SECONDS,
        actor=run.actor,
        workflow=run.workflow,
        url=run.url,
        commit=run.commit,
        ref=run.full_ref,
        run_number=run.run_number,
        workflow_file=run.workflow_file,
        job_key=job_key(job, wiring.runs) if newest else "",
    )
    unknown = unknown_of(ticket)
    if newest and unknown:
        job.reporter.note(
            "`queue-policy: newest` has no effect on this deployment: it supersedes no other and none "
            f"supersedes it, since its {', '.join(UNKNOWN_WORDS[name] for name in unknown)} is unknown."
        )
    return ticket


NO_MATRIX = "null"
"""How the runner writes the `matrix` context of a job that has none."""


def job_key(job: JobContext, runs: GitHubRuns | None) -> str:
    """The job's key, its name where only that tells which job called its workflow, and its leg of a matrix.
    Empty where one of these is not known. At most two requests."""
    run = job.run
    if not (run.job and run.matrix):
        return ""
    key = run.job
    if run.job_workflow_ref != run.workflow_ref or not run.workflow_ref:
        name = runs.job_name(run.check_run_id) if runs is not None else ""
        if name:
            key = f"{key} ({name})"
        elif run.job_workflow_ref or not _calls_no_workflow(job, runs):
            return ""
    return key if run.matrix == NO_MATRIX else f"{key} {_leg(run.matrix)}"


def _leg(matrix: str) -> str:
    """Short, and the same whatever the order of its keys."""
    try:
        text = json.dumps(json.loads(matrix), sort_keys=True)
    except (ValueError, RecursionError):
        text = matrix
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def _calls_no_workflow(job: JobContext, runs: GitHubRuns | None) -> bool:
    """Whether the run's workflow file is known to define all its jobs itself. An older GitHub Enterprise
    Server does not tell a job which workflow defines it."""
    text = workflow_text(job, runs) if runs is not None else None
    file = parse_workflow(text) if text is not None else None
    jobs = file.get("jobs") if isinstance(file, dict) else None
    if not isinstance(jobs, dict) or job.run.job not in jobs:
        return False
    return all(isinstance(job, dict) and "uses" not in job for job in jobs.values())
