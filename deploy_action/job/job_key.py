"""Which job of its workflow this is: the same text for the same job of another run, and for nothing else."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from deploy_action.github.workflow_file import parse_workflow
from deploy_action.job.concurrency import workflow_text

if TYPE_CHECKING:
    from deploy_action.job.context import JobContext
    from deploy_action.locking.github_jobs import GitHubRuns

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
