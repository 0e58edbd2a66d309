"""Deployments of every kind as reports: made of events by the product's own folds, with a history before."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from deploy_action.cloudformation.aws_clients import explain
from deploy_action.cloudformation.change_set import Change
from deploy_action.cloudformation.deployability import ways_out
from deploy_action.cloudformation.events import StackEvent
from deploy_action.cloudformation.operation import Operation
from deploy_action.cloudformation.outcome import Outcome, outcome_of, stack_lines
from deploy_action.cloudformation.stacks import STACK_TYPE
from deploy_action.common.times import iso
from deploy_action.deploy.deployment_result import error_of_unknown
from deploy_action.diagnosis.service_lookups import Finding
from deploy_action.estimation.accuracy import accuracy_of
from deploy_action.estimation.history_forecast import LearnedForecast
from deploy_action.estimation.planned_changes import Planned, PlannedChanges
from deploy_action.history.deployments import Deployment, DeploymentHistory
from deploy_action.history.operations import runs_of
from deploy_action.locking.document import Ticket
from deploy_action.locking.messages import busy
from deploy_action.locking.transitions import Waiting
from deploy_action.monitoring.watch_loop import End
from deploy_action.reporting.comparison import compared
from deploy_action.reporting.report import Ahead, Failure, Links, Report, failure_causes
from deploy_action.reporting.resource_activity import resource_activities

if TYPE_CHECKING:
    from collections.abc import Sequence

NOON = 1_790_000_000.0
DAY = 86_400.0
RUNS = "https://github.com/acme/shop/actions/runs"
COMMITS = ("4c1f0e2a9b7d35e8f6a1c2d3e4f5061728394a5b", "9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e0d")

Row = tuple[str, str, str, float, float]
"""Logical id, type, action, start and length in seconds."""

SHOP: tuple[Row, ...] = (
    ("TaskRole", "AWS::IAM::Role", "UPDATE", 3, 17),
    ("AssetsBucket", "AWS::S3::Bucket", "UPDATE", 3, 22),
    ("Queue", "AWS::SQS::Queue", "UPDATE", 3, 4),
    ("OrdersTable", "AWS::DynamoDB::Table", "UPDATE", 4, 31),
    ("TaskDefinition", "AWS::ECS::TaskDefinition", "UPDATE", 21, 2),
    ("Worker", "AWS::Lambda::Function", "UPDATE", 21, 14),
    ("Service", "AWS::ECS::Service", "UPDATE", 24, 118),
    ("Distribution", "AWS::CloudFront::Distribution", "UPDATE", 26, 184),
    ("Alarm", "AWS::CloudWatch::Alarm", "UPDATE", 143, 3),
    ("Dashboard", "AWS::CloudWatch::Dashboard", "UPDATE", 146, 2),
)


def arn(stack: str) -> str:
    return f"arn:aws:cloudformation:eu-west-1:123456789012:stack/{stack}/1f2e3d4c"


def played(
    rows: Sequence[Row],
    *,
    stack: str = "shop",
    kind: str = "UPDATE",
    began: float = NOON,
    failing: str = "",
    reason: str = "",
    until: float | None = None,
) -> Operation:
    """The fold of an operation. With `failing` that resource fails at its end and all is rolled back; with
    `until` (seconds) nothing is seen after it."""
    found: list[tuple[float, str, str, str, str]] = []
    ends = [start + seconds for name, _, _, start, seconds in rows if not failing or name == failing]
    end = max(ends, default=1.0) + 2.0
    found.append((0.0, stack, STACK_TYPE, f"{kind}_IN_PROGRESS", ""))
    undone: list[Row] = []
    for name, type_, action, start, seconds in rows:
        if failing and start > end - 2:
            continue
        found.append((start, name, type_, f"{action}_IN_PROGRESS", ""))
        undone.append((name, type_, action, start, seconds))
        if name == failing:
            found.append((start + seconds, name, type_, f"{action}_FAILED", reason))
        elif failing and start + seconds > end:
            found.append((end - 1.9, name, type_, f"{action}_FAILED", "Resource update cancelled"))
        else:
            found.append((start + seconds, name, type_, f"{action}_COMPLETE", ""))
    if failing:
        back = "ROLLBACK" if kind == "CREATE" else "UPDATE_ROLLBACK"
        why = f"The following resource(s) failed to update: [{failing}]. "
        found.append((end - 1.5, stack, STACK_TYPE, f"{back}_IN_PROGRESS", why))
        undo = "DELETE" if kind == "CREATE" else "UPDATE"
        last = end
        for name, type_, _, _, seconds in undone:
            found.append((end, name, type_, f"{undo}_IN_PROGRESS", ""))
            last = max(last, end + seconds * 0.7)
            found.append((end + seconds * 0.7, name, type_, f"{undo}_COMPLETE", ""))
        found.append((last + 2, stack, STACK_TYPE, f"{back}_COMPLETE", ""))
    elif kind == "UPDATE":
        found.append((end, stack, STACK_TYPE, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", ""))
        found.append((end + 3, stack, STACK_TYPE, "UPDATE_COMPLETE", ""))
    else:
        found.append((end, stack, STACK_TYPE, f"{kind}_COMPLETE", ""))
    operation = Operation()
    for number, (at, name, type_, status, text) in enumerate(sorted(found, key=lambda one: one[0])):
        if until is None or at <= until:
            about_stack = type_ == STACK_TYPE and name == stack
            operation.apply(
                StackEvent(
                    event_id=f"{stack}-{number}",
                    region="eu-west-1",
                    stack_id=arn(stack),
                    logical_id=name,
                    physical_id=arn(stack) if about_stack else f"{name}-id",
                    resource_type=type_,
                    status=status,
                    timestamp=began + at,
                    reason=text,
                )
            )
    return operation


def together(*operations: Operation) -> Operation:
    whole = Operation()
    for operation in operations:
        whole.stacks |= operation.stacks
    return whole


def plans_of(operation: Operation, rows: Sequence[Row]) -> tuple[PlannedChanges, ...]:
    changes = tuple(Planned(name, type_, action) for name, type_, action, _, _ in rows)
    kind = "update" if rows and rows[0][2] == "UPDATE" else "create"
    return tuple(PlannedChanges(f"{root.region}/{root.name}", kind, changes) for root in operation.roots)


def history(operations: Sequence[Operation]) -> DeploymentHistory:
    """Each one a day after the other; the newest was yesterday. Estimates are made as it goes on."""
    known: list[Deployment] = []
    for number, operation in enumerate(operations):
        runs = runs_of(operation)
        stacks = tuple(run.stack for run in runs)
        seconds = (operation.ended or 0.0) - (operation.started or 0.0) + 6
        plans = tuple(
            PlannedChanges(
                run.stack, run.kind, tuple(Planned(s.label, s.resource_type, s.action) for s in run.steps)
            )
            for run in runs
        )
        estimate = LearnedForecast(DeploymentHistory(tuple(known)), plans).estimate
        known.append(
            Deployment(
                f"2026092{number % 10}-120000-00000{number % 10}",
                runs[0].outcome,
                stacks,
                seconds,
                runs=runs,
                estimate=estimate,
                ended=iso(NOON - DAY * (len(operations) - number)),
                commit=COMMITS[0],
                url=f"{RUNS}/{100 + number}",
            )
        )
    return DeploymentHistory(tuple(known))


def varied(rows: Sequence[Row], number: int) -> list[Row]:
    """The same rows, each a little faster or slower."""
    return [
        (name, type_, action, start, round(seconds * (0.95 + 0.02 * ((number * 7 + place * 3) % 5)), 1))
        for place, (name, type_, action, start, seconds) in enumerate(rows)
    ]


def reported(
    operation: Operation, past: DeploymentHistory, plans: tuple[PlannedChanges, ...], **more: object
) -> Report:
    """As the steps put it together."""
    forecast = LearnedForecast(past, plans)
    lines = stack_lines(operation)
    outcome = outcome_of(lines)
    runs = runs_of(operation)
    bars, comparisons = compared(resource_activities(operation, forecast), runs, past)
    started, ended = operation.started, operation.ended
    stacks = [plan.stack for plan in plans]
    report = Report(
        "20260921-141320-5be3a7",
        outcome=outcome,
        environment="production",
        locks=("production",),
        epoch=42,
        duration_seconds=(ended or NOON + 600) - (started or NOON) + 6,
        started=started,
        ended=ended,
        stacks=lines,
        bars=bars,
        causes=failure_causes(operation, outcome),
        estimate=forecast.estimate,
        accuracy=accuracy_of(past.scored(stacks)),
        comparisons=comparisons,
        runs=runs,
        links=Links(
            run=f"{RUNS}/142",
            commit=f"https://github.com/acme/shop/commit/{COMMITS[1]}",
            commit_id=COMMITS[1],
            thread="https://acme.slack.com/archives/C0123456789/p1790000000000100",
        ),
    )
    return replace(report, **more)  # type: ignore[arg-type]  # checked by the class


def _changes(rows: Sequence[Row]) -> tuple[Change, ...]:
    return tuple(
        Change("Modify", name, type_, replacement="True" if type_.endswith("TaskDefinition") else "False")
        for name, type_, _, _, _ in rows
    )


def _past(rows: Sequence[Row] = SHOP, stack: str = "shop", count: int = 9) -> DeploymentHistory:
    days = [NOON - DAY * (count - number) for number in range(count)]
    return history([played(varied(rows, number), stack=stack, began=day) for number, day in enumerate(days)])


def success() -> Report:
    """One resource is slower than usual, one is new, one is not touched this time."""
    slower = {"Service": 171.0, "OrdersTable": 30.0}
    rows = [(n, t, a, s, slower.get(n, d)) for n, t, a, s, d in varied(SHOP, 3) if n != "Dashboard"]
    rows.append(("Search", "AWS::OpenSearchServerless::Collection", "CREATE", 4, 96))
    operation = played(rows)
    return reported(
        operation,
        _past(),
        plans_of(operation, SHOP),
        changes=_changes(rows),
        queue_seconds=75.0,
        ahead=(Ahead("20260921-140801-77ab10", f"{RUNS}/141", "octocat"),),
    )


def failed() -> Report:
    """Rolled back; ECS says why."""
    reason = (
        "Resource handler returned message: \"Error occurred during operation 'ECS Deployment Circuit "
        "Breaker was triggered'.\" (RequestToken: 8b1e, HandlerErrorCode: GeneralServiceException)"
    )
    rows = varied(SHOP, 2)
    operation = played(rows, failing="Service", reason=reason)
    report = reported(operation, _past(), plans_of(operation, SHOP), changes=_changes(rows))
    return replace(
        report,
        behind=(
            Finding(
                arn("shop"),
                "Service",
                "Service",
                "ECS",
                "task 4f1e stopped: CannotPullContainerError: pull image manifest has been retried 5 "
                "time(s): failed to resolve ref acme/shop:1.42.0: not found",
                key="task 4f1e",
            ),
        ),
        failure=Failure(
            f"The deployment failed and was rolled back ({report.stack_status}). Root cause: "
            f"{report.root_cause}",
            "",
            ways_out(report.named_statuses),
        ),
        queue_seconds=0.0,
    )


def queued() -> Report:
    """It never got its turn."""
    holder = Ticket(
        "n",
        "20260921-140000-77ab10",
        ("production",),
        ("eu-west-1/shop",),
        epochs=(("production", 41),),
        held_since=iso(NOON - 1_800),
        expected_end=iso(NOON + 240),
        repository="acme/shop",
        workflow="Deploy",
        actor="octocat-0",
        url=f"{RUNS}/130",
    )
    error = busy(Waiting((holder,), 1_800.0, 1_800.0), 1_800.0)
    return Report(
        "20260921-141320-5be3a7",
        outcome=Outcome.BUSY,
        environment="production",
        locks=("production",),
        queue_seconds=1800.0,
        ahead=tuple(
            Ahead(f"20260921-1{40 + n}000-77ab1{n}", f"{RUNS}/{130 + n}", f"octocat-{n}") for n in range(7)
        ),
        failure=Failure(error.what, error.why, error.remedy),
        links=success().links,
    )


def unknown() -> Report:
    """Credentials ran out on the way."""
    operation = played(SHOP, until=100)
    refusal = {"Error": {"Code": "ExpiredToken", "Message": "The security token included is expired"}}
    expired = explain(ClientError(refusal, "DescribeStackEvents"))
    error = error_of_unknown(End.BLIND, status="", limit="", unread=expired)
    report = reported(operation, _past(), plans_of(operation, SHOP))
    return replace(
        report,
        outcome=Outcome.UNKNOWN,
        duration_seconds=612.0,
        failure=Failure(error.what, error.why, error.remedy, cause=error.cause),
        notes=(str(expired),),
    )


def no_history() -> Report:
    """The first deployment of all."""
    rows = [(n, t, "CREATE", s, d) for n, t, _, s, d in SHOP]
    operation = played(rows, kind="CREATE")
    return reported(
        operation,
        DeploymentHistory(prior={(t, "CREATE"): d for _, t, _, _, d in SHOP}),
        plans_of(operation, rows),
    )


def large(count: int = 500, stack: str = "platform") -> Report:
    """Hundreds of resources in one stack."""
    types = ("AWS::Lambda::Function", "AWS::IAM::Role", "AWS::Logs::LogGroup", "AWS::SQS::Queue")
    rows: list[Row] = [
        (f"Tenant{n // 4:03}{type_.rpartition(':')[2]}", type_, "UPDATE", 3 + n * 0.7, 2 + n * 37 % 61)
        for n, type_ in enumerate(itertools.islice(itertools.cycle(types), count))
    ]
    operation = played(rows, stack=stack)
    return reported(operation, _past(rows, stack, 5), plans_of(operation, rows), changes=_changes(rows))


def several(count: int = 12) -> Report:
    """Three stacks, as one command deploys them, one a minute after the other."""
    names = ("network", "data", "shop-with-a-rather-long-name")
    rows = {
        name: [
            (f"{name[:4].title()}{n}", SHOP[n % 10][1], "UPDATE", 3.0 + 2 * n, 5.0 + n * 13 % 90)
            for n in range(count)
        ]
        for name in names
    }

    def day(began: float, number: int) -> Operation:
        return together(
            *(
                played(varied(rows[name], number), stack=name, began=began + 60 * place)
                for place, name in enumerate(names)
            )
        )

    operation = day(NOON, 1)
    past = history([day(NOON - DAY * (6 - number), number) for number in range(6)])
    plans = tuple(plan for n in names for plan in plans_of(played(rows[n], stack=n), rows[n]))
    return reported(operation, past, plans, command_exit_code=0)


STORIES = {
    "success": success,
    "failed": failed,
    "queued": queued,
    "unknown": unknown,
    "no-history": no_history,
    "large": large,
    "several": several,
}
