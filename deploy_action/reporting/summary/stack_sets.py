"""Operations of stack sets in the log and in the summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.stacks import Verdict
from deploy_action.common.escape import code, markdown
from deploy_action.reporting.summary.tables import folded_table, table

if TYPE_CHECKING:
    from deploy_action.monitoring.stack_sets import Change, StackSetLine
    from deploy_action.reporting.report import Report

ROWS_BYTES_MAX = 100_000
REASON_MAX = 300
PLACES_MAX = 10


def change_line(change: Change) -> str:
    """`stack-set baseline 111122223333/eu-west-1 FAILED reason`."""
    name = f"stack-set {change.stack_set.name}"
    operation = change.operation
    if change.instance is None:
        words = [f"{operation.action} {operation.status}", operation.reason[:REASON_MAX]]
    else:
        words = [change.instance.place, change.instance.status, change.instance.reason[:REASON_MAX]]
    return " ".join(word for word in (name, *words) if word)


def tolerated(line: StackSetLine) -> str:
    """A sentence where an operation ended well although some failed; empty where none did."""
    if line.verdict is not Verdict.SUCCEEDED or not line.failed:
        return ""
    places = ", ".join(one.place for one in line.failed[:PLACES_MAX])
    more = f" and {len(line.failed) - PLACES_MAX} more" if len(line.failed) > PLACES_MAX else ""
    return (
        f"Stack set {line.name}: {len(line.failed)} of {len(line.instances)} accounts and regions failed, "
        f"which the operation tolerates: {places}{more}."
    )


def stack_sets(report: Report) -> str:
    """A row an operation, and folded up a row for each of its accounts and regions."""
    if not report.stack_sets:
        return ""
    rows = [
        [
            code(f"{line.region}/{line.name}"),
            code(line.operation.action),
            code(line.status),
            markdown(line.counts),
        ]
        for line in report.stack_sets
    ]
    instances = [
        (
            code(line.name),
            code(one.account),
            code(one.region),
            code(one.status),
            markdown(one.reason, REASON_MAX),
        )
        for line in report.stack_sets
        for one in sorted(line.instances, key=lambda one: one.status != "FAILED")
    ]
    head = ("Stack set", "Account", "Region", "Status", "Reason")
    folded = folded_table("Accounts and regions", head, instances, bytes_max=ROWS_BYTES_MAX)
    return "\n\n".join(
        part
        for part in (table(["Stack set", "Operation", "Status", "Accounts and regions"], rows), folded)
        if part
    )
