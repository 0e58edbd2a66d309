"""For an incoming webhook, which can update nothing: each message stands alone and stays true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.slack.messages import blocks, parts, words
from deploy_action.slack.messages.announcement import announcement
from deploy_action.slack.messages.entries import entry
from deploy_action.slack.messages.parent import result, title, verb
from deploy_action.slack.view import NotificationEvent

if TYPE_CHECKING:
    from deploy_action.common.instants import WallTime
    from deploy_action.slack.ports import Announcement
    from deploy_action.slack.view import DeploymentView

CAUSES_MAX = 3
MESSAGE_MAX = 900


def single(view: DeploymentView, *, now: WallTime) -> Announcement:
    """The start, the end, or, by `view.moment`, anything between that needs somebody."""
    if view.moment.final:
        called = blocks.mentions(view.mentions) if view.moment.needs_somebody else None
        return announcement(
            view,
            blocks.kept(
                blocks.header(words.headline(view, title(view))),
                result(view, causes=CAUSES_MAX, message_max=MESSAGE_MAX),
                called,
                parts.small_print(view, verb=verb(view)),
                parts.buttons(view),
            ),
            moment=view.moment,
            now=now,
        )
    if view.moment is not NotificationEvent.STARTED:
        return entry(view.moment, view, now=now, alone=True)
    said = f"🚀 Deployment of {title(view)} began"
    return announcement(
        view,
        blocks.kept(
            blocks.header(said),
            blocks.rich(
                parts.expectation(view),
                parts.basis(view),
                blocks.line("Another message reports how it ends."),
                parts.fallback_line(view),
            ),
            parts.small_print(view, verb="Began"),
            parts.buttons(view),
        ),
        moment=view.moment,
        now=now,
        told="🚀 Deployment began.",
    )
