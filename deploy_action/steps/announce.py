"""Tells a channel, if one was asked for. Whatever goes wrong here is a note and nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.render import messages

if TYPE_CHECKING:
    from deploy_action.core.report import Report
    from deploy_action.core.stacks import StackRef
    from deploy_action.steps.world import Teller
    from deploy_action.wiring import Wiring


def announce_start(wiring: Wiring, report: Report, stacks: tuple[StackRef, ...], teller: Teller) -> str:
    """Returns the message's `ts`, by which the end replaces it; empty where there is none."""
    notifier = wiring.notifier(correlation_id=report.correlation_id)
    if notifier is None:
        return ""
    trouble = notifier.started(messages.started(report, stacks))
    if trouble:
        teller.note(trouble)
    return notifier.thread_ts or ""


def announce_end(wiring: Wiring, report: Report, thread_ts: str, teller: Teller) -> str:
    notifier = wiring.notifier(correlation_id=report.correlation_id, thread_ts=thread_ts)
    if notifier is None:
        return ""
    trouble = notifier.finished(messages.finished(report))
    if trouble:
        teller.note(trouble)
    return notifier.thread_ts or thread_ts
