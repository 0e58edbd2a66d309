"""At the end of the job: what could not be told is handed to later deployments, and theirs is told here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.errors import RegistryError
from deploy_action.slack import retry_queue as leftovers
from deploy_action.slack import retry_queue_delivery as draining

if TYPE_CHECKING:
    from deploy_action.inputs.settings import Settings
    from deploy_action.job.context import JobContext
    from deploy_action.job.notifier import Notifier
    from deploy_action.slack.outbox import Outbox
    from deploy_action.wiring import Wiring

DRAIN_SECONDS = 8.0
REQUEST_SECONDS = 5.0
LINES_MAX = 20


def hand_over(job: JobContext, wiring: Wiring, settings: Settings, channel: Notifier) -> None:
    """Messages of earlier deployments are delivered once for all channels, where none of them has any of its
    own that wait."""
    well: dict[str, Notifier] = {}
    waiting: set[str] = set()
    for part in channel.parts:
        box = part.close()
        if box is not None:
            _hand_over(job, wiring, settings, part, box)
            if box.pending:
                waiting.add(part.webhook_url)
            elif box.empty and part.well:
                well.setdefault(part.webhook_url, part)
        part.forget()
    for url, part in well.items():
        if url not in waiting:
            _tell_others(job, wiring, settings, part)


def _hand_over(job: JobContext, wiring: Wiring, settings: Settings, channel: Notifier, box: Outbox) -> None:
    if box.refused:
        job.reporter.note(f"{box.refused} {_name(channel)} messages were left out: too many were waiting.")
    if not box.empty:
        _keep(job, wiring, _sender(job, wiring, settings, channel), box, name=_name(channel))


def _keep(job: JobContext, wiring: Wiring, own: leftovers.Sender, box: Outbox, *, name: str) -> None:
    left = leftovers.QueuedOutbox(box, own.repository, own.webhook, own.token, saved_at=job.clock.now())
    count = len(box.pending) + len(box.dead)
    messages = f"1 {name} message" if count == 1 else f"{count} {name} messages"
    try:
        given_up = leftovers.save(wiring.registry(), job.clock, left)
    except RegistryError as error:
        job.reporter.note(f"{messages} could not be delivered, nor kept for later: {error}")
        for entry in (*box.pending, *box.dead)[:LINES_MAX]:
            reason = f" ({entry.reason})" if entry.reason else ""
            job.reporter.line(f"  not delivered to {entry.channel or name}: {entry.text}{reason}")
        return
    if box.pending:
        how = "The next deployment, or `deploy-coordinator slack-queue process`, delivers what still can be"
    else:
        how = "`deploy-coordinator slack-queue list` shows why, and `slack-queue retry` tries again"
    job.reporter.note(
        f"{messages} could not be delivered, and {_are(count)} kept beside the registry. {how}."
    )
    if given_up:
        job.reporter.note(
            f"{given_up} Slack messages that were kept beside the registry had to make room. Look at the "
            "rest with `deploy-coordinator slack-queue list`, and let `slack-queue drop` remove what nobody "
            "needs."
        )


def _tell_others(job: JobContext, wiring: Wiring, settings: Settings, channel: Notifier) -> None:
    """Delivers messages of earlier deployments. Nobody waits for it: a failure is a line."""
    try:
        told = draining.drain(
            wiring.registry(),
            job.clock,
            lambda correlation_id: (
                wiring.webhook(timeout_seconds=REQUEST_SECONDS)
                if channel.webhook_url
                else wiring.messenger(correlation_id, timeout_seconds=REQUEST_SECONDS)
            ),
            sender=_sender(job, wiring, settings, channel),
            seconds=DRAIN_SECONDS,
            posted_at=channel.posted_at,
        )
    except RegistryError as error:
        job.reporter.line(f"Could not read the queue of undelivered Slack messages: {error}")
        return
    if told.sent:
        job.reporter.line(f"Delivered {told.sent} {_name(channel)} messages queued by earlier deployments.")
    for sentence in told.troubles:
        job.reporter.line(sentence)


def _name(channel: Notifier) -> str:
    return "webhook" if channel.webhook_url else "Slack"


def _sender(job: JobContext, wiring: Wiring, settings: Settings, channel: Notifier) -> leftovers.Sender:
    if channel.webhook_url:
        return leftovers.sender(repository=job.run.repository, token="", webhook_url=channel.webhook_url)
    routing = wiring.routing()
    return leftovers.sender(
        repository=job.run.repository,
        token=settings.slack_bot_token,
        webhook_url=settings.slack_webhook_url,
        channels=routing.channels if routing is not None else (),
    )


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
