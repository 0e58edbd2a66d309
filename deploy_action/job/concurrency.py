"""Does GitHub's own `concurrency:` help this deployment or endanger it? Told before anything is locked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deploy_action.github.concurrency import findings, workflow_file
from deploy_action.github.workflow_file import parse_workflow, read_workflow
from deploy_action.inputs.settings import Mode, WhenBusy
from deploy_action.locking.document import QueuePolicy

if TYPE_CHECKING:
    from deploy_action.inputs.settings import Settings
    from deploy_action.job.context import JobContext
    from deploy_action.locking.github_jobs import GitHubRuns
    from deploy_action.wiring import Wiring


def look_at_concurrency(job: JobContext, wiring: Wiring, settings: Settings) -> None:
    """At most two requests. Nothing outside GitHub Actions, without a token, or where nothing is changed."""
    runs = wiring.runs if job.run.run_id and settings.mode is not Mode.ATTACH else None
    if runs is None:
        return
    try:
        groups = runs.concurrency_groups(job.run.run_id)
        text = workflow_text(job, runs) if groups != () else None
    finally:
        runs.close()
    file = workflow_file(parse_workflow(text), job.run.job) if text is not None else None
    waits = settings.when_busy is WhenBusy.WAIT
    newest = settings.queue_policy is QueuePolicy.NEWEST
    for finding in findings(groups, file, waits=waits, newest=newest):
        (job.reporter.note if finding.warning else job.reporter.line)(finding.text)


def workflow_text(job: JobContext, runs: GitHubRuns) -> str | None:
    """As it was for this run; else as it is in the workspace, if it was checked out."""
    path, workspace = job.run.workflow_path, job.environ.get("GITHUB_WORKSPACE")
    if not path:
        return None
    text = runs.workflow_text(path, job.run.workflow_sha)
    return read_workflow(Path(workspace) / path) if text is None and workspace else text
