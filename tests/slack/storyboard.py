"""Two deployments as a channel sees them, made by the product's own functions: a good one, a bad one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deploy_action.cloudformation.outcome import Outcome, stack_lines
from deploy_action.cloudformation.stacks import StackRef
from deploy_action.common.instants import CloudFormationTime, WallTime
from deploy_action.common.times import iso
from deploy_action.diagnosis.causes import causes_of
from deploy_action.history.estimate import Basis, Estimate, Usual
from deploy_action.locking.document import Ticket
from deploy_action.locking.transitions import Waiting
from deploy_action.monitoring.stall import StallChange
from deploy_action.reporting.report import Links, Report
from deploy_action.slack import view_updates as views
from deploy_action.slack.messages import entry, parent, single
from deploy_action.slack.view import DeploymentView, NotificationEvent, Origin, RegistryNews
from tests.cloudformation.story import resource, stack, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.cloudformation.operation import Operation
    from deploy_action.slack.ports import Announcement

NOON = 1_790_000_000.0
SERVER = "https://github.com"
RUN = f"{SERVER}/acme/shop/actions/runs/4711"
REPORT = Report(
    "20260921-141320-3f9a1c",
    environment="production",
    locks=("production",),
    links=Links(run=RUN, commit=f"{SERVER}/acme/shop/commit/5e1f2ab", commit_id="5e1f2ab90c"),
)
ORIGIN = Origin("acme/shop", "ana", "main", "Deploy", SERVER)
ESTIMATE = Estimate(230.0, 290.0, 370.0, "median of the same resources", samples=12)
HOLDER = Ticket(
    nonce="n1",
    correlation_id="20260921-140900-77aa01",
    locks=("production",),
    epochs=(("production", 7),),
    held_since=iso(NOON - 180),
    expected_end=iso(NOON + 120),
    actor="bo",
    url=f"{SERVER}/acme/web/actions/runs/4700",
)
THREAD = "https://acme.slack.com/archives/C0DEPLOYS/p1790000000000100"
DATABASE = "AWS::RDS::DBInstance"


@dataclass(frozen=True)
class Scene:
    """A moment of the story, and what is shown of it."""

    name: str
    view: DeploymentView
    moment: NotificationEvent
    now: float

    def parent(self) -> Announcement:
        return parent(self.view, now=WallTime(self.now))

    def entry(self, *, alone: bool = False) -> Announcement:
        return entry(self.moment, self.view, now=WallTime(self.now), alone=alone)

    def single(self) -> Announcement:
        return single(self.view, now=WallTime(self.now))


def good_story() -> list[Scene]:
    """Queued, started, progress, stalled, moving, complete."""
    first = views.new_view(
        REPORT, (StackRef("eu-west-1", "shop"),), at=NOON, origin=ORIGIN, moment=NotificationEvent.QUEUED
    )
    waiting = Waiting((HOLDER,), waited_seconds=15.0, timeout_seconds=1800.0)
    queued = views.queued(first, waiting, at=NOON)
    begun = NOON + 130.0
    report = replace(REPORT, queue_seconds=145.0, estimate=ESTIMATE)
    started = views.started(queued, report, at=begun)
    events = [
        stack(begun, "UPDATE_IN_PROGRESS"),
        *(resource(begun + n, f"Table{n}", "UPDATE_IN_PROGRESS") for n in range(11)),
        *(resource(begun + 20 + n, f"Table{n}", "UPDATE_COMPLETE") for n in range(11)),
        resource(begun + 21, "Database", "CREATE_IN_PROGRESS", type_=DATABASE),
        resource(begun + 100, "Service", "UPDATE_IN_PROGRESS", type_="AWS::ECS::Service"),
    ]
    operation = told(*events)
    at = begun + 150
    left = Estimate(80.0, 140.0, 220.0, "x", 12)
    progress = views.progressed(
        started, operation, at=at, now=CloudFormationTime(at), left=left, done=(11, 30)
    )
    at = begun + 450
    silent_one = next(one for one in operation.activities if one.logical_id == "Database")
    change = StallChange(
        True, "Database", 429.0, Usual(120.0, 200.0, 320.0, 12, Basis.RESOURCE), activity=silent_one
    )
    late = told(*events, resource(begun + 161, "Service", "UPDATE_COMPLETE", type_="AWS::ECS::Service"))
    silent = views.progressed(progress, late, at=at, now=CloudFormationTime(at), left=None, done=(12, 30))
    stalled = views.stalled(silent, change, late, at=at)
    at = begun + 480
    moves = told(*events, resource(at - 3, "Database", "CREATE_COMPLETE", type_=DATABASE))
    moving = views.stalled(
        views.progressed(stalled, moves, at=at, now=CloudFormationTime(at), done=(13, 30)),
        replace(change, began=False, seconds=456.0),
        moves,
        at=at,
    )
    end = begun + 510
    ended = told(*events, stack(end, "UPDATE_COMPLETE"))
    outputs = {
        "ApiUrl": "https://api.shop.example/v2",
        "DatabaseHost": "db.shop.internal:5432",
        "Secret": "s3cr3t",
    }
    done = replace(
        report,
        outcome=Outcome.SUCCEEDED,
        duration_seconds=510.0,
        stacks=stack_lines(ended),
        outputs=outputs,
        started=begun,
        ended=end,
    )
    complete = views.ended(moving, done, at=end, shown=("ApiUrl", "Database*"))
    return [
        Scene(name, view, view.moment, view.at + 1)
        for name, view in (
            ("queued", queued),
            ("started", started),
            ("progress", progress),
            ("stalled", stalled),
            ("moving", moving),
            ("complete", complete),
        )
    ]


def bad_story() -> list[Scene]:
    """Progress, rolling back, rolled back: with somebody to call."""
    at = NOON
    report = replace(REPORT, estimate=ESTIMATE, correlation_id="20260921-141330-b07e44")
    first = views.new_view(
        report, (StackRef("eu-west-1", "shop"),), at=at, origin=ORIGIN, mentions=("S0ONCALL",)
    )
    reason = (
        'Resource handler returned message: "Topic already exists with different tags" '
        "(RequestToken: 1111, HandlerErrorCode: InvalidRequest)"
    )
    events = [
        stack(at, "UPDATE_IN_PROGRESS"),
        resource(at + 2, "Orders", "CREATE_IN_PROGRESS", type_="AWS::SNS::Topic"),
        resource(at + 3, "Service", "UPDATE_IN_PROGRESS", type_="AWS::ECS::Service"),
        resource(at + 41, "Orders", "CREATE_FAILED", reason, type_="AWS::SNS::Topic"),
        resource(at + 41, "Service", "UPDATE_FAILED", "Resource update cancelled", type_="AWS::ECS::Service"),
        stack(
            at + 42, "UPDATE_ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Orders]."
        ),
    ]
    rolling = told(*events)
    left = Estimate(50.0, 80.0, 110.0, "x")
    back = views.progressed(
        views.started(first, report, at=at),
        rolling,
        at=at + 50,
        now=CloudFormationTime(at + 50),
        left=left,
        done=(7, 30),
    )
    end = at + 134
    ended = told(*events, stack(end, "UPDATE_ROLLBACK_COMPLETE"))
    done = replace(
        report,
        outcome=Outcome.ROLLED_BACK,
        duration_seconds=134.0,
        stacks=stack_lines(ended),
        causes=causes_of(ended),
    )
    rolled_back = replace(views.ended(back, done, at=end), thread=THREAD)
    return [
        Scene(name, view, view.moment, view.at + 1)
        for name, view in (("rolling back", back), ("rolled back", rolled_back))
    ]


def side_scenes() -> list[Scene]:
    """What may happen besides."""
    progress = good_story()[2].view
    queued = good_story()[0].view
    at = progress.at + 10
    frozen = Waiting(
        tuple(replace(HOLDER, nonce=f"n{n}", actor=f"user{n}", epochs=()) for n in range(6)),
        waited_seconds=900.0,
        timeout_seconds=1800.0,
        remarks=("The job of deployment 20260921-140900-77aa01 cannot be seen.",),
        away_seconds=70.0,
    )
    failing = replace(REPORT, estimate=ESTIMATE, duration_seconds=61.0)
    made: dict[str, DeploymentView] = {
        "stuck": views.queued(queued, frozen, at=at, moment=NotificationEvent.STUCK_IN_QUEUE),
        "overdue": views.overdue(progress, ESTIMATE, at=at),
        "warned": views.warned(progress, causes_of(_failed())[0], at=at),
        "restarted": views.restarted(progress, 42.0, restarts=2, at=at),
        "fallback": views.registry_changed(progress, RegistryNews.LOST, "The registry is away.", at=at),
        "back": views.registry_changed(progress, RegistryNews.BACK, "The registry answers again.", at=at),
        "takeover": views.taken_over(queued, "Took over from 2026-a: its job is done.", at=at),
    }
    for outcome in Outcome:
        report = replace(failing, outcome=outcome)
        made[outcome.value] = views.ended(progress, report, at=at)
    made["timed out"] = views.ended(
        progress, replace(failing, outcome=Outcome.UNKNOWN), at=at, timed_out=True
    )
    return [Scene(name, view, view.moment, view.at + 1) for name, view in made.items()]


def _failed() -> Operation:
    return told(
        stack(1, "CREATE_IN_PROGRESS"),
        resource(2, "Queue", "CREATE_FAILED", "Access denied", type_="AWS::SQS::Queue"),
        stack(3, "CREATE_FAILED"),
    )


STORIES: tuple[Callable[[], list[Scene]], ...] = (good_story, bad_story, side_scenes)
