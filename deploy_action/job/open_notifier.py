"""Opens the notifier of a job, as an earlier step left it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deploy_action.inputs.settings import Settings
    from deploy_action.job.context import JobContext
    from deploy_action.job.state import JobState
    from deploy_action.wiring import Wiring
from deploy_action.job.notifier import Notifier, Notifiers


def open_channel(job: JobContext, wiring: Wiring, settings: Settings, state: JobState) -> Notifier:
    """The channels of this job, as an earlier step left them."""
    routing = wiring.routing()
    if routing is None and not settings.webhook_url:
        return Notifier()
    from deploy_action.job.notifications import open_slack, open_webhook

    parts = open_slack(job, wiring, routing, settings, state) if routing is not None else []
    if settings.webhook_url:
        parts.append(open_webhook(job, wiring, settings, state))
    return parts[0] if len(parts) == 1 else Notifiers(parts)


def remember(channel: Notifier, state: JobState) -> None:
    """Hand on which message is ours."""
    if channel.box is not None:
        state.slack_thread_ts, state.slack_channel_id = channel.box.ts, channel.box.channel_id
        links = replace(state.report.links, thread=channel.box.link)
        state.report = replace(state.report, links=links)
