"""Tells a channel, if one was asked for. Whatever goes wrong here is a note and nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.render import messages

if TYPE_CHECKING:
    from deploy_action.core.stacks import StackRef
    from deploy_action.steps.state import JobState
    from deploy_action.steps.world import Teller
    from deploy_action.wiring import Wiring


def announce_start(wiring: Wiring, state: JobState, stacks: tuple[StackRef, ...], teller: Teller) -> None:
    """Remembers the message in the state, so that the end replaces it."""
    notifier = wiring.notifier(correlation_id=state.report.correlation_id)
    if notifier is None:
        return
    trouble = notifier.started(messages.started(state.report, stacks))
    if trouble:
        teller.note(trouble)
    state.slack_thread_ts = notifier.thread_ts or ""
    state.slack_channel_id = notifier.channel_id or ""


def announce_end(wiring: Wiring, state: JobState, teller: Teller) -> None:
    notifier = wiring.notifier(
        correlation_id=state.report.correlation_id,
        thread_ts=state.slack_thread_ts,
        channel_id=state.slack_channel_id,
    )
    if notifier is None:
        return
    trouble = notifier.finished(messages.finished(state.report))
    if trouble:
        teller.note(trouble)
    state.slack_thread_ts = notifier.thread_ts or state.slack_thread_ts
