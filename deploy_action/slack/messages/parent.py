"""The one message of a deployment, updated in place: whenever it is read, it is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.slack.messages import blocks, parts, words
from deploy_action.slack.messages.announcement import announcement
from deploy_action.slack.view import NotificationEvent, cut_middle

if TYPE_CHECKING:
    from deploy_action.common.instants import WallTime
    from deploy_action.slack.messages.blocks import Element
    from deploy_action.slack.ports import Announcement
    from deploy_action.slack.view import DeploymentView

NAME_MAX = 60
CAUSES_MAX = 2
MESSAGE_MAX = 600


def parent(view: DeploymentView, *, now: WallTime) -> Announcement:
    """Where the deployment stands, by `view.moment`. `now`: when the message is sent, unix seconds."""
    return announcement(
        view,
        blocks.kept(
            blocks.header(words.headline(view, title(view))),
            body(view),
            parts.small_print(view, verb=verb(view)),
            parts.buttons(view),
        ),
        moment=view.moment,
        now=now,
    )


def verb(view: DeploymentView) -> str:
    """An operation that is not known to have ended did not end."""
    known = view.moment.final and view.moment not in {
        NotificationEvent.UNKNOWN,
        NotificationEvent.TIMED_OUT,
        NotificationEvent.CANCELLED,
        NotificationEvent.NOT_STARTED,
    }
    return "Ended" if known else "As of"


def title(view: DeploymentView) -> str:
    """The end of a long one stays: the environment."""
    return cut_middle(words.what(view), NAME_MAX)


def body(view: DeploymentView) -> Element | None:
    if view.moment.final:
        return result(view, causes=CAUSES_MAX, message_max=MESSAGE_MAX)
    if words.waits(view):
        lines = parts.queue_lines(view)
    elif view.moment is NotificationEvent.STARTED and not (view.running or view.done):
        lines = [parts.expectation(view), parts.basis(view)]
    else:
        lines = parts.progress_lines(view)
        lines += parts.trouble_lines(view, message_max=MESSAGE_MAX)
        lines = lines if any(lines) else [blocks.line("Waiting for CloudFormation.")]
    return blocks.rich(*lines, parts.fallback_line(view))


def result(view: DeploymentView, *, causes: int, message_max: int) -> Element | None:
    """How it ended: why, how long it took, what came of it."""
    why = (
        []
        if view.moment is NotificationEvent.COMPLETE
        else parts.failure_lines(view, most=causes, message_max=message_max)
    )
    return blocks.rich(*why, *parts.took(view), parts.output_list(view), parts.fallback_line(view))
