"""From blocks to an announcement: the line for notifications, and the metadata by which it is found again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.outcome import Outcome
from deploy_action.common.escape import one_line, slack
from deploy_action.slack.messages import blocks, words
from deploy_action.slack.ports import Announcement

if TYPE_CHECKING:
    from deploy_action.slack.messages.blocks import Element
    from deploy_action.slack.view import DeploymentView, NotificationEvent

EVENT_TYPE = "deployment"
LATE_SECONDS = 120.0
"""What is told later than this after it was so says so."""
LINE_MAX = 300
NAME_MAX = 200


def announcement(
    view: DeploymentView, found: tuple[Element, ...], *, moment: NotificationEvent, now: float, text: str = ""
) -> Announcement:
    """`text`: what a notification shows, on one line, not escaped yet."""
    if now - view.at > LATE_SECONDS and not moment.final:
        late = blocks.context(float(view.at), verb=f"Told {words.about(now - view.at)} late. This was at")
        found = (*found[: blocks.BLOCKS_MAX - 1], *([late] if late else []))
    return Announcement(
        text=slack(text or notification(view), LINE_MAX),
        blocks=found,
        alert=moment.needs_somebody,
        metadata={
            "event_type": EVENT_TYPE,
            "event_payload": {
                "correlation_id": one_line(view.correlation_id, NAME_MAX),
                "moment": moment.value,
                "environment": one_line(view.environment, NAME_MAX),
            },
        },
    )


def notification(view: DeploymentView) -> str:
    """The state in one line: `✅ production is deployed in 4 min 10 s`."""
    said = words.headline(view, words.what(view))
    if view.outcome is Outcome.SUCCEEDED and view.duration_seconds is not None:
        return f"{said} in {words.span(view.duration_seconds)}"
    if view.moment.final and view.causes:
        return f"{said}: {one_line(view.causes[0].name)}: {view.causes[0].message}"
    if view.moment.final and view.failure is not None and view.failure.said:
        return f"{said}: {view.failure.said[0]}"
    if not view.moment.final and view.planned and not words.waits(view):
        return f"{said}: {view.done} of {max(view.planned, view.done)}"
    return said
