"""Which moment is told where."""

from __future__ import annotations

import pytest

from deploy_action.inputs.slack_values import overrides
from deploy_action.slack.outbox import Kind
from deploy_action.slack.routing import Override, Routing, places
from deploy_action.slack.view import NotificationEvent

BOTH = Routing("C1", "C2")


def told(moment: NotificationEvent, routing: Routing = BOTH) -> list[str]:
    return [f"{place.kind.value} {place.channel}".strip() for place in places(moment, routing)]


@pytest.mark.parametrize(
    "moment",
    [
        NotificationEvent.QUEUED,
        NotificationEvent.STARTED,
        NotificationEvent.PROGRESS,
        NotificationEvent.SKIPPED,
    ],
)
def test_what_passes_is_shown_by_the_message_alone(moment: NotificationEvent) -> None:
    assert told(moment) == ["parent C1"]


@pytest.mark.parametrize(
    "moment",
    [
        NotificationEvent.MOVING,
        NotificationEvent.OVERDUE,
        NotificationEvent.WARNED,
        NotificationEvent.COMPLETE,
        NotificationEvent.CANCELLED,
        NotificationEvent.BUSY,
    ],
)
def test_what_happened_is_told_in_the_thread(moment: NotificationEvent) -> None:
    assert told(moment) == ["parent C1", "reply C1"]


@pytest.mark.parametrize(
    "moment",
    [NotificationEvent.STALLED, NotificationEvent.STUCK_IN_QUEUE, NotificationEvent.REGISTRY_FALLBACK],
)
def test_what_needs_a_person_rings(moment: NotificationEvent) -> None:
    assert told(moment) == ["parent C1", "reply C1", "post C2"]


def test_a_takeover_changes_nothing_in_the_message() -> None:
    assert told(NotificationEvent.TAKEOVER) == ["reply C1", "post C2"]


@pytest.mark.parametrize(
    "moment",
    [
        NotificationEvent.FAILED,
        NotificationEvent.ROLLED_BACK,
        NotificationEvent.TIMED_OUT,
        NotificationEvent.UNKNOWN,
    ],
)
def test_a_bad_end_is_broadcast_too(moment: NotificationEvent) -> None:
    assert told(moment) == ["parent C1", "broadcast C1", "post C2"]
    assert told(moment, Routing("C1")) == ["parent C1", "broadcast C1"]
    assert told(moment, Routing("C1", "C1")) == ["parent C1", "broadcast C1"]


def test_events_can_go_elsewhere() -> None:
    def routed(moment: NotificationEvent, line: str) -> list[str]:
        return told(moment, Routing("C1", "C2", overrides([line])))

    assert routed(NotificationEvent.STALLED, "stalled: C3") == ["parent C1", "reply C1", "post C3"]
    assert routed(NotificationEvent.STALLED, "stalled: C3 alert") == [
        "parent C1",
        "reply C1",
        "post C3",
        "post C2",
    ]
    assert routed(NotificationEvent.STALLED, "stalled: thread") == ["parent C1", "reply C1"]
    assert routed(NotificationEvent.OVERDUE, "overdue: alert") == ["parent C1", "reply C1", "post C2"]
    assert routed(NotificationEvent.PROGRESS, "progress: off") == []
    assert routed(NotificationEvent.FAILED, "failed: off") == ["parent C1"], "the message stays true"


@pytest.mark.parametrize("moment", list(NotificationEvent))
def test_a_webhook_tells_the_start_and_the_end(moment: NotificationEvent) -> None:
    webhook = Routing(webhook=True)
    assert [place.kind for place in places(moment, webhook)] == (
        [Kind.WEBHOOK] if moment is NotificationEvent.STARTED or moment.final else []
    )
    quiet = Routing(webhook=True, overrides={NotificationEvent.STARTED: Override(off=True)})
    assert places(NotificationEvent.STARTED, quiet) == ()
