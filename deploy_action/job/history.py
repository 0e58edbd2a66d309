"""The remembered past of the stacks, read while `pre` does other things: an estimate holds nothing up.

Of a stack that the history does not know, CloudFormation's own events of the last 90 days are read instead,
so that even the first deployment has an estimate; with its release they go into the history.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, Any

from deploy_action.common.background_call import BackgroundCall
from deploy_action.data import read_table
from deploy_action.errors import CoordinatorError, RegistryUnreadable
from deploy_action.estimation.published_durations import parse_samples, parse_table
from deploy_action.history import document as history
from deploy_action.history.deployments import DeploymentHistory
from deploy_action.history.files import learned
from deploy_action.history.record_codec import estimate_record, run_record
from deploy_action.inputs.settings import Mode
from deploy_action.job.account import soon_known
from deploy_action.job.state import Memory
from deploy_action.locking.compare_and_swap import read_beside

if TYPE_CHECKING:
    from deploy_action.locking.document import Ticket
    from deploy_action.reporting.report import Report

if TYPE_CHECKING:
    from deploy_action.history.deployments import DeploymentHistory
    from deploy_action.history.estimate import Estimate
    from deploy_action.inputs.settings import Settings
    from deploy_action.wiring import Wiring

TABLE = "resource-durations.tsv"
PATIENCE_SECONDS = 4.0
"""Of real time, since `pre` began to read: usually all is there long before the lock is held."""
EVENTS_MAX = 1_000
OPERATIONS_MAX = 8
STACKS_MAX = 5
"""The requests for stacks that are not known: at most ten answers each, usually one or two."""


class HistoryLoader:
    """Begins to read at once, and to import what it takes: neither holds `pre` up. Nothing here raises."""

    def __init__(self, wiring: Wiring, settings: Settings, *, commit: str = "") -> None:
        self._wiring = wiring
        self._settings = settings
        self._commit = commit
        self._past: DeploymentHistory | None = None
        self._memory: BackgroundCall[Memory] = BackgroundCall(self._read, "recall")
        self._committed: BackgroundCall[str] = BackgroundCall(self._commit_time, "commit")
        self._usual: BackgroundCall[Estimate | None] = BackgroundCall(self._expect, "estimate")

    def memory(self) -> Memory | None:
        """None where it was not there in time."""
        with suppress(Exception):
            return self._memory.result(PATIENCE_SECONDS)
        return None

    def usual(self) -> Estimate | None:
        """How long deployments of these stacks usually take; None where nothing is known, or not in time."""
        with suppress(Exception):
            return self._usual.result(PATIENCE_SECONDS)
        return None

    def usual_seconds_so_far(self) -> float | None:
        """The same for those who cannot wait."""
        found = self._usual.result_so_far()
        return found.mid_seconds if found is not None else None

    def committed_at(self) -> str:
        """When the commit was made, ISO 8601; empty where GitHub has not told it by now."""
        return self._committed.result_so_far() or ""

    def _commit_time(self) -> str:
        runs = self._wiring.new_runs() if self._commit else None
        return runs.commit_time(self._commit) if runs is not None else ""

    def usual_seconds_of(self, stacks: tuple[str, ...]) -> float | None:
        """The middle of what good deployments of exactly these stacks took; None where that is not known."""
        found = self._past.seconds(stacks) if self._past is not None else []
        return median(found) if found else None

    def _read(self) -> Memory:
        content, unread = None, ""
        try:
            content = read_beside(self._wiring.registry(), learned)
        except CoordinatorError as error:
            unread = str(error)
        past = history.read(content, {}, account=soon_known(self._wiring, self._settings))
        plain = [one for one in self._settings.stacks if not one.is_glob]
        unknown = [one for one in plain if not past.of(str(one))][:STACKS_MAX]
        if not unknown:
            return Memory(content, unread=unread)
        from deploy_action.history.backfill import collect

        found = collect(
            self._wiring.cloudformation, unknown, operations_max=OPERATIONS_MAX, events_max=EVENTS_MAX
        )
        absent = tuple(one.stack for one in found.found if not one.exists)
        return Memory(content, found.records, unread, absent)

    def _expect(self) -> Estimate | None:
        from deploy_action.cloudformation.template_graph import template_of
        from deploy_action.cloudformation.template_parser import parse_template
        from deploy_action.estimation.estimator import of_stacks
        from deploy_action.estimation.history_forecast import LearnedForecast
        from deploy_action.estimation.planned_changes import plan_of_template
        from deploy_action.job.teardown import teardown_of

        memory = self._memory.result(PATIENCE_SECONDS)
        self._past = past = past_of(memory, account=soon_known(self._wiring, self._settings))
        settings = self._settings
        if settings.mode is Mode.TEMPLATE and str(settings.stacks[0]) in memory.absent:
            template = template_of(parse_template(settings.template_body))
            if template is None or template.transformed:
                return None
            plan = plan_of_template(template, stack=str(settings.stacks[0]))
            return LearnedForecast(past, (plan,)).estimate
        return of_stacks(past, settings.stacks, teardown=bool(teardown_of(settings.command)))


def past_of(memory: Memory, *, account: str) -> DeploymentHistory:
    """The history with what was collected. Raises OSError where the table of averages cannot be read."""
    table = read_table(TABLE)
    prior, samples = parse_table(table), parse_samples(table)
    content, trouble = memory.content, ""
    if memory.collected:
        try:
            content = history.seeded(content, memory.collected)
        except RegistryUnreadable:
            trouble = history.read(content, prior).trouble
            content = history.seeded(None, memory.collected)
    past = history.read(content, prior, samples, account=account)
    return replace(past, trouble=past.trouble or trouble)


def record_of(ticket: Ticket, report: Report, *, at: str) -> dict[str, Any]:
    """One deployment, at its release (`at`, ISO 8601)."""
    duration = report.duration_seconds
    record: dict[str, Any] = {
        "correlation_id": ticket.correlation_id,
        "environment": report.environment,
        "locks": list(ticket.locks),
        "turn": ticket.epoch,
        "account": ticket.account,
        "stacks": [f"{line.region}/{line.name}" for line in report.stacks] or list(ticket.stacks),
        "outcome": report.outcome.value,
        "root_cause": report.root_cause[:500],
        "requested_at": ticket.requested_at,
        "held_since": ticket.held_since,
        "released_at": at,
        "queue_seconds": round(report.queue_seconds),
        "duration_seconds": None if duration is None else round(duration, 1),
        "repository": ticket.repository,
        "actor": ticket.actor,
        "commit": ticket.commit,
        "version": report.links.version,
        "ref": ticket.ref,
        "run_number": ticket.run_number,
        "workflow_file": ticket.workflow_file,
        "url": ticket.url,
    }
    if report.committed_at:
        record["committed_at"] = report.committed_at
    if report.estimate is not None:
        record["estimate"] = estimate_record(report.estimate, duration if report.outcome.good else None)
    if report.runs:
        record["runs"] = [run_record(run) for run in report.runs]
    return record
