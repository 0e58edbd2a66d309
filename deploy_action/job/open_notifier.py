"""Opens the notifier of a job, as an earlier step left it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deploy_action.inputs.settings import Settings
    from deploy_action.job.context import JobContext
    from deploy_action.job.state import JobState
    from deploy_action.wiring import Wiring
from deploy_action.job.notifier import Notifier


def open_channel(job: JobContext, wiring: Wiring, settings: Settings, state: JobState) -> Notifier:
    """The channel of this job, as an earlier step left it."""
    routing = wiring.routing()
    if routing is None:
        return Notifier()
    from deploy_action.job.notifications import open_slack

    return open_slack(job, wiring, routing, settings, state)


def remember(channel: Notifier, state: JobState) -> None:
    """Hand on which message is ours."""
    if channel.box is not None:
        state.slack_thread_ts, state.slack_channel_id = channel.box.ts, channel.box.channel_id
        links = replace(state.report.links, thread=channel.box.link)
        state.report = replace(state.report, links=links)
