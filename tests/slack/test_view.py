"""The view of a deployment that a channel is told from: how it comes about, goes on and ends."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from deploy_action.cloudformation.outcome import Outcome, StackLine
from deploy_action.cloudformation.stacks import StackRef
from deploy_action.common.instants import CloudFormationTime
from deploy_action.diagnosis.causes import causes_of
from deploy_action.history.estimate import Estimate
from deploy_action.locking.document import Freeze, Ticket
from deploy_action.locking.transitions import Waiting
from deploy_action.monitoring.stall import StallChange
from deploy_action.reporting.report import Report
from deploy_action.slack import view_updates as views
from deploy_action.slack.messages.words import heading
from deploy_action.slack.view import TEXT_MAX, DeploymentView, NotificationEvent, RegistryNews, cut_middle
from tests.cloudformation.story import DATABASE, ROOT, nested, resource, stack, told

REPORT = Report("20260102-030405-abcdef", environment="production", locks=("production",))
FIRST = views.new_view(REPORT, (StackRef("eu-west-1", "shop"),), at=1000.0)
LEFT = Estimate(30.0, 60.0, 90.0, "x")


def test_a_view_survives_the_disk() -> None:
    operation = told(stack(0, "UPDATE_IN_PROGRESS"), resource(1, "A", "UPDATE_IN_PROGRESS"))
    view = views.progressed(FIRST, operation, at=1010.0, now=CloudFormationTime(11.0), left=LEFT, done=(1, 2))
    ticket = Ticket("n", "c", ("production",), expected_end="2026-01-02T03:04:05Z")
    waiting = Waiting((ticket,), 5.0, 60.0, freeze=Freeze("ana", "audit", "2026-01-01T00:00:00Z"))
    for one in (FIRST, view, views.queued(FIRST, waiting, at=1.0), views.ended(view, REPORT, at=1020.0)):
        assert msgspec.json.decode(msgspec.json.encode(one), type=DeploymentView) == one


def test_a_view_of_an_earlier_version_can_still_be_read() -> None:
    known = b'{"correlation_id":"c","moment":"progress","at":1.0,"unheard_of":1}'
    assert msgspec.json.decode(known, type=DeploymentView).done == 0


@pytest.mark.parametrize("moment", [moment for moment in NotificationEvent if moment.final])
def test_nothing_follows_a_final_moment(moment: NotificationEvent) -> None:
    end = replace(FIRST, moment=moment)
    assert end.at_moment(NotificationEvent.PROGRESS, at=2000.0, done=5) == end
    assert views.ended(end, replace(REPORT, outcome=Outcome.SUCCEEDED), at=2000.0) == end
    assert views.restarted(end, 1.0, restarts=1, at=2000.0) == end


@pytest.mark.parametrize("outcome", Outcome)
def test_each_outcome_has_a_final_moment_and_only_a_good_one_is_complete(outcome: Outcome) -> None:
    for timed_out in (False, True):
        moment = views.moment_of(outcome, timed_out=timed_out)
        assert moment.final
        assert (moment is NotificationEvent.COMPLETE) is outcome.good
        assert moment.needs_somebody or outcome.good or not timed_out or moment is NotificationEvent.TIMED_OUT


def test_who_is_ahead_and_until_when() -> None:
    holder = Ticket(
        "n1",
        "c1",
        ("production",),
        epochs=(("production", 3),),
        held_since="1970-01-01T00:10:00Z",
        expected_end="1970-01-01T00:20:00Z",
        actor="bo",
        url="https://example.com/run",
    )
    others = tuple(Ticket(f"m{n}", f"d{n}", ("production",)) for n in range(9))
    queue = views.queued(FIRST, Waiting((holder, *others), 30.0, 600.0), at=1000.0).queue
    assert queue is not None
    assert (queue.position, len(queue.ahead)) == (11, 5)
    assert (queue.since, queue.gives_up) == (970.0, 1570.0)
    first = queue.ahead[0]
    assert (first.actor, first.holding, first.since, first.expected_end) == ("bo", True, 600.0, 1200.0)
    assert not queue.ahead[1].holding
    assert queue.ahead[1].expected_end is None


def test_an_end_that_is_no_time_is_no_estimate() -> None:
    ticket = Ticket("n", "c", ("production",), expected_end="soon", held_since="<!channel>")
    queue = views.queued(FIRST, Waiting((ticket,), 0.0), at=1.0).queue
    assert queue is not None
    assert queue.ahead[0].expected_end is None
    assert queue.ahead[0].since is None
    assert queue.gives_up is None


def test_the_place_in_the_queue_is_left_when_it_begins() -> None:
    waiting = views.queued(FIRST, Waiting((Ticket("n", "c", ("production",)),), 5.0), at=1.0)
    estimate = Estimate(1.0, 2.0, 3.0, "x")
    begun = views.started(waiting, replace(REPORT, estimate=estimate, queue_seconds=7.0), at=1010.0)
    assert (begun.queue, begun.queue_seconds, begun.started, begun.estimate) == (None, 7.0, 1010.0, estimate)
    assert views.started(begun, REPORT, at=1020.0).started == 1010.0


def test_progress_is_measured_on_the_clock_of_cloudformation() -> None:
    """This machine's clock is 900 seconds ahead of it."""
    operation = told(
        stack(100, "UPDATE_IN_PROGRESS"),
        nested(101, "Database", "UPDATE_IN_PROGRESS"),
        resource(102, "Instance", "UPDATE_IN_PROGRESS", of=DATABASE),
        resource(103, "Queue", "UPDATE_IN_PROGRESS"),
    )
    view = views.progressed(
        FIRST, operation, at=1050.0, now=CloudFormationTime(150.0), left=LEFT, done=(3, 8)
    )
    assert view.started == 1000.0
    assert [(one.label, one.seconds) for one in view.running] == [
        ("Database/Instance", 48.0),
        ("Queue", 47.0),
    ]
    assert (view.done, view.planned, view.running_count, view.rolling_back) == (3, 8, 2, False)
    assert [(one.name, one.status) for one in view.stacks] == [("shop", "UPDATE_IN_PROGRESS")]
    assert view.stacks[0].console.endswith(ROOT)


def test_what_was_measured_goes_on_until_it_is_measured_again() -> None:
    operation = told(stack(0, "UPDATE_IN_PROGRESS"), resource(0, "A", "UPDATE_IN_PROGRESS"))
    view = views.progressed(FIRST, operation, at=1000.0, now=CloudFormationTime(10.0), left=LEFT)
    later = views.restarted(view, 40.0, restarts=1, at=1040.0)
    assert later.left == Estimate(0.0, 20.0, 50.0, "x")
    assert later.running[0].seconds == 50.0
    assert views.restarted(view, 40.0, restarts=1, at=900.0).left == LEFT


def test_a_rollback_has_its_causes_while_it_runs() -> None:
    operation = told(
        stack(0, "UPDATE_IN_PROGRESS"),
        resource(1, "Orders", "CREATE_FAILED", "Access denied"),
        stack(2, "UPDATE_ROLLBACK_IN_PROGRESS"),
    )
    view = views.progressed(FIRST, operation, at=1000.0, now=CloudFormationTime(3.0))
    assert view.rolling_back
    assert view.causes[0].name == "Orders"
    assert view.causes[0].advice


def test_a_stall_is_over_when_the_resource_has_ended() -> None:
    events = (
        stack(0, "UPDATE_IN_PROGRESS"),
        resource(1, "A", "UPDATE_IN_PROGRESS"),
        resource(1, "B", "UPDATE_IN_PROGRESS"),
    )
    operation = told(*events)
    view = FIRST
    for activity in operation.activities:
        change = StallChange(True, activity.logical_id, 600.0, None, activity)
        view = views.stalled(view, change, operation, at=1000.0)
    assert [one.label for one in view.stalled] == ["A", "B"]
    assert view.moment is NotificationEvent.STALLED
    over = views.stalled(
        view, replace(change, began=False, label="A", activity=operation.activities[0]), operation, at=1001.0
    )
    assert [one.label for one in over.stalled] == ["B"]
    assert over.moment is NotificationEvent.MOVING
    ended = told(*events, resource(700, "B", "UPDATE_COMPLETE"))
    assert views.progressed(over, ended, at=1700.0, now=CloudFormationTime(701.0)).stalled == ()


def test_the_end_clears_what_was_under_way() -> None:
    operation = told(stack(0, "UPDATE_IN_PROGRESS"), resource(0, "A", "UPDATE_IN_PROGRESS"))
    view = views.progressed(FIRST, operation, at=1000.0, now=CloudFormationTime(10.0), left=LEFT, done=(1, 2))
    change = StallChange(True, "A", 600.0, None, operation.activities[0])
    view = views.stalled(view, change, operation, at=1000.0)
    report = replace(
        REPORT,
        outcome=Outcome.SUCCEEDED,
        duration_seconds=20.0,
        stacks=(StackLine("eu-west-1", "shop", ROOT, "UPDATE_COMPLETE"),),
    )
    end = views.ended(view, report, at=1020.0)
    assert (end.moment, end.left, end.running, end.stalled) == (NotificationEvent.COMPLETE, None, (), ())
    assert end.duration_seconds == 20.0
    assert end.stacks[0].status == "UPDATE_COMPLETE"


def test_outputs_are_shown_by_name_and_in_the_order_asked_for() -> None:
    report = replace(
        REPORT, outcome=Outcome.SUCCEEDED, outputs={"A1": "a", "B": "b", "A2": "c", "Secret": "s"}
    )
    assert views.ended(FIRST, report, at=1.0).outputs == ()
    shown = views.ended(FIRST, report, at=1.0, shown=("B", "A*", "Missing")).outputs
    assert shown == (("B", "b"), ("A1", "a"), ("A2", "c"))


def test_outputs_of_several_stacks_are_shown_by_name_with_or_without_the_stack() -> None:
    found = {"shop-api/Url": "a", "shop-db/Url": "b", "shop-db/Arn": "c"}
    report = replace(REPORT, outcome=Outcome.SUCCEEDED, outputs=found)
    assert views.ended(FIRST, report, at=1.0, shown=("Url",)).outputs == tuple(found.items())[:2]
    assert views.ended(FIRST, report, at=1.0, shown=("shop-db/*",)).outputs == tuple(found.items())[1:]


def test_texts_from_outside_are_bounded() -> None:
    flood = "x" * 1_000_000
    operation = told(stack(0, "UPDATE_IN_PROGRESS"), resource(1, "A", "UPDATE_FAILED", flood))
    report = replace(
        REPORT,
        outcome=Outcome.FAILED,
        causes=causes_of(operation) * 50,
        outputs={f"Output{n}": flood for n in range(100)},
        notes=(flood,) * 100,
        fallback=flood,
    )
    end = views.ended(FIRST, report, at=1.0, shown=("*",))
    assert len(msgspec.json.encode(end)) < 45 * TEXT_MAX
    assert end.cause_count == len(report.causes)


def test_a_fallback_stays_in_the_view() -> None:
    view = views.registry_changed(FIRST, RegistryNews.LOST, "The registry is away.", at=1.0)
    assert (view.fallback, view.remark) == ("The registry is away.",) * 2
    noted = views.registry_changed(view, RegistryNews.NOTE, "A freeze was lost.", at=2.0)
    assert (noted.fallback, noted.remark) == ("The registry is away.", "A freeze was lost.")
    taken = views.taken_over(noted, "Took over.", at=3.0)
    assert (taken.fallback, taken.remark) == ("The registry is away.", "Took over.")
    back = views.registry_changed(taken, RegistryNews.BACK, "It answers again.", at=4.0)
    assert (back.fallback, back.remark) == ("It answers again.",) * 2


def test_of_a_long_story_the_beginning_and_the_end_are_told() -> None:
    story = "It is away. " + "x" * 500 + " It answers again."
    cut = cut_middle(story, 100)
    assert len(cut) == 100
    assert cut.startswith("It is away. x")
    assert cut.endswith("x It answers again.")
    assert cut_middle("short", 100) == "short"


def test_a_stack_that_needs_repair_calls_somebody() -> None:
    refused = replace(REPORT, outcome=Outcome.FAILED, not_started=True)
    assert views.ended(FIRST, refused, at=1.0).moment is NotificationEvent.NOT_STARTED
    stuck = views.ended(FIRST, replace(refused, needs_repair=True), at=1.0)
    assert stuck.moment is NotificationEvent.FAILED
    assert heading(stuck)[:2] == ("🚫", "Not started:")


def test_who_needs_a_person() -> None:
    assert {moment for moment in NotificationEvent if moment.needs_somebody} == {
        NotificationEvent.FAILED,
        NotificationEvent.ROLLED_BACK,
        NotificationEvent.TIMED_OUT,
        NotificationEvent.UNKNOWN,
        NotificationEvent.STALLED,
        NotificationEvent.STUCK_IN_QUEUE,
        NotificationEvent.TAKEOVER,
        NotificationEvent.REGISTRY_FALLBACK,
    }
