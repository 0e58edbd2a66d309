"""Reports of real event logs, to look at; nothing of them is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.event_logs import read_log
from deploy_action.common.times import iso
from deploy_action.data import read_table
from deploy_action.estimation.planned_changes import Planned, PlannedChanges
from deploy_action.estimation.published_durations import parse_samples, parse_table
from deploy_action.history.deployments import Deployment, DeploymentHistory
from deploy_action.history.operations import runs_of, stable_name, touched_of
from tests.pages.stories import reported

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deploy_action.reporting.report import Report


def reports_of(folder: Path) -> Iterator[tuple[str, Report]]:
    """The last operation of each log, after all before it."""
    table = read_table("resource-durations.tsv")
    for file in sorted(folder.glob("*.jsonl")):
        logs, _ = read_log(file)
        known: list[Deployment] = []
        for number, logged in enumerate(logs):
            root = logged.operation.roots[0]
            types = {stable_name(a.logical_id, a.resource_type): a.resource_type for a in root.activities}
            touched = touched_of(logged.operation, root)
            planned = tuple(Planned(name, types[name], action) for action, name in touched)
            runs = runs_of(logged.operation)
            plan = PlannedChanges(f"{root.region}/{root.name}", runs[0].kind if runs else "update", planned)
            past = DeploymentHistory(tuple(known), parse_table(table), parse_samples(table))
            report = reported(logged.operation, past, (plan,))
            if number == len(logs) - 1:
                yield file.stem, report
            if runs:
                known.append(
                    Deployment(
                        str(number),
                        runs[0].outcome,
                        (runs[0].stack,),
                        runs[0].seconds,
                        runs=runs,
                        estimate=report.estimate,
                        ended=iso(root.ended or 0.0),
                    )
                )
