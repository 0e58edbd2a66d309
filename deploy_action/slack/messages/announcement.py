"""From blocks to an announcement: the line for phones, and the metadata by which it is found again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.common.escape import one_line
from deploy_action.slack.messages import blocks, words
from deploy_action.slack.messages.push import push_line
from deploy_action.slack.ports import Announcement

if TYPE_CHECKING:
    from deploy_action.common.instants import WallTime
    from deploy_action.slack.messages.blocks import Element
    from deploy_action.slack.view import DeploymentView, NotificationEvent

EVENT_TYPE = "deployment"
LATE_SECONDS = 120.0
"""A message that is later than this says so."""
NAME_MAX = 200


def announcement(
    view: DeploymentView,
    found: tuple[Element, ...],
    *,
    moment: NotificationEvent,
    now: WallTime,
    told: str = "",
) -> Announcement:
    """`told`: what happened, for a message about that (`push.push_line`)."""
    if now - view.at > LATE_SECONDS and not moment.final:
        late = blocks.context(
            float(view.at), verb=f"Delivered {words.about(now - view.at)} late. This was at"
        )
        found = (*found[: blocks.BLOCKS_MAX - 1], *([late] if late else []))
    return Announcement(
        text=push_line(view, told),
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
