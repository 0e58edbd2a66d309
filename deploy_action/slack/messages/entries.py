"""The events of a deployment, one entry each: for the thread, and for a channel that rings when somebody is
needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.outcome import Outcome
from deploy_action.slack.messages import blocks, parts, words
from deploy_action.slack.messages.announcement import announcement
from deploy_action.slack.messages.blocks import around, bold, line, outside
from deploy_action.slack.messages.parent import result
from deploy_action.slack.messages.push import as_text
from deploy_action.slack.view import NotificationEvent, RegistryNews, cut_middle

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.common.instants import WallTime
    from deploy_action.slack.messages.blocks import Element, Piece
    from deploy_action.slack.ports import Announcement
    from deploy_action.slack.view import DeploymentView, ResourceSeen

CAUSES_MAX = 5
MESSAGE_MAX = 900
NOTES_MAX = 3

Lines = list["Element | None"]


def entry(
    moment: NotificationEvent, view: DeploymentView, *, now: WallTime, alone: bool = False
) -> Announcement:
    """One thing that happened. `alone`: outside of the thread, so it says what it is about and leads there.

    Where somebody is needed, those in `view.mentions` are called.
    """
    told = _told(moment, view)
    called = blocks.mentions(view.mentions) if moment.needs_somebody else None
    name = outside(cut_middle(words.what(view), 60), 60, bold=True)
    lead = line(name, ":") if alone and not moment.final and name else None
    return announcement(
        view,
        blocks.kept(
            blocks.rich(lead, *told),
            called,
            parts.small_print(view, verb="At") if alone else None,
            parts.buttons(view, thread=True) if alone else None,
        ),
        moment=moment,
        now=now,
        told="" if moment.final or moment is NotificationEvent.PROGRESS else as_text(told),
    )


def _told(moment: NotificationEvent, view: DeploymentView) -> Lines:
    if moment.final:
        return _end(view, moment)
    return _LINES[moment](view)


def _queued(view: DeploymentView) -> Lines:
    first, *rest = parts.queue_lines(view)
    return (
        [line("⏳ ", *first["elements"]), *rest]
        if first and first["type"].endswith("section")
        else [first, *rest]
    )


def _stuck(view: DeploymentView) -> Lines:
    waited = words.span(view.queue.waited_seconds) if view.queue is not None else "a long time"
    return [
        line("⏳ ", bold(f"Stuck in the queue for {waited}.")),
        *parts.queue_lines(view),
        line("If the one ahead is gone for good, release its lock; else nothing needs to be done."),
    ]


def _started(view: DeploymentView) -> Lines:
    queued = f" after {words.span(view.queue_seconds)} in the queue" if view.queue_seconds >= 10 else ""
    return [
        line("🚀 ", bold("Started"), f"{queued}."),
        parts.expectation(view),
        parts.basis(view),
    ]


def _progress(view: DeploymentView) -> Lines:
    back = line("↩️ ", bold("Rolling back.")) if view.rolling_back else None
    lines = [back, *parts.progress_lines(view), *parts.trouble_lines(view, message_max=MESSAGE_MAX)]
    return lines if any(lines) else [line("Waiting for CloudFormation.")]


def _stalled(view: DeploymentView) -> Lines:
    subject = view.subject
    if subject is None:
        return [line("⚠️ A resource takes longer than usual, and is silent.")]
    usual = words.usually(subject)
    runs = (
        f", going by {subject.samples} earlier run{'' if subject.samples == 1 else 's'}"
        if subject.samples
        else ""
    )
    return [
        line("⚠️ ", *_named(subject), f" is silent, {words.about(subject.seconds)} after it began."),
        line(f"It {usual.replace('usually', 'usually takes', 1)}{runs}.") if usual else None,
        line(
            "It may still end well. ",
            blocks.link("Look at the stack's events", subject.console) if subject.console else None,
        ),
    ]


def _moving(view: DeploymentView) -> Lines:
    subject = view.subject
    if subject is None:
        return [line("▶️ It moves again.")]
    after = words.span(subject.seconds)
    if subject.status and not subject.status.endswith("_IN_PROGRESS"):
        return [line("▶️ ", *_named(subject), f" has ended after {after}: ", outside(subject.status, 60), ".")]
    return [line("▶️ ", *_named(subject), f" moves again, {after} after it began.")]


def _overdue(view: DeploymentView) -> Lines:
    estimate = view.estimate
    expected = (
        f", {words.between(estimate.low_seconds, estimate.high_seconds)}" if estimate is not None else ""
    )
    so_far = words.span(view.at - view.started) if view.started is not None else ""
    return [
        line(
            "⚠️ ", bold("Takes longer than expected"), f"{expected}.", f" So far: {so_far}." if so_far else ""
        ),
        parts.left(view),
        line("It may still end well."),
    ]


def _warned(view: DeploymentView) -> Lines:
    cause = view.warning
    if cause is None:
        return [line("⚠️ A resource may fail.")]
    kind = outside(cause.resource_type, 80)
    return [
        line(
            "⚠️ ",
            outside(cause.name, bold=True) or "A resource",
            *around(" (", kind, ")"),
            " may fail:",
        ),
        blocks.quote(cause.message, MESSAGE_MAX),
        parts.next_step(cause.advice, cause.source),
    ]


def _restarted(view: DeploymentView) -> Lines:
    gap = view.gap
    unwatched = (
        f"Events were not monitored for {words.span(gap.seconds)}"
        if gap and gap.seconds is not None
        else "It was killed"
    )
    times = f" (restart {gap.restarts})" if gap is not None and gap.restarts > 1 else ""
    return [
        line("🔁 ", bold("Monitoring was restarted"), f"{times}."),
        line(f"{unwatched}; CloudFormation went on meanwhile, and nothing of it is lost."),
    ]


def _fallback(view: DeploymentView) -> Lines:
    return _sentence(*_REGISTRY[view.registry_news], view.remark or view.fallback)


def _takeover(view: DeploymentView) -> Lines:
    return _sentence("🔓", "Took the lock over", view.remark)


def _sentence(sign: str, title: str, sentence: str) -> Lines:
    return [line(f"{sign} ", bold(f"{title}.")), line(*parts.prose(sentence, 600)) if sentence else None]


def _end(view: DeploymentView, moment: NotificationEvent) -> Lines:
    sign, before, after = words.heading(view) if view.moment.final else ("❓", "", moment.value)
    name = outside(cut_middle(words.what(view), 60), 60, bold=True) or "The deployment"
    told = result(view, causes=CAUSES_MAX, message_max=MESSAGE_MAX)
    exit_code = view.exit_code
    notes = [line(*parts.prose(note, parts.SENTENCE_MAX)) for note in view.notes[:NOTES_MAX]]
    return [
        line(f"{sign} ", f"{before} " if before else "", name, f" {after}." if after else "."),
        *(told["elements"] if told is not None else []),
        line(f"The command ended with exit code {exit_code}.")
        if exit_code and view.outcome is not None
        else None,
        _attention(view),
        blocks.bullets(notes),
    ]


def _attention(view: DeploymentView) -> Element | None:
    """Stacks that the verdict leaves in progress, or unknown."""
    if view.outcome is Outcome.UNKNOWN:
        return line("Unknown is not success: look at the stack before the next deployment.")
    return None


def _named(resource: ResourceSeen) -> list[Piece]:
    kind = outside(resource.resource_type, 80)
    return [outside(resource.label, bold=True) or "A resource", *around(" (", kind, ")")]


_REGISTRY = {
    RegistryNews.LOST: ("⚠️", "Without the registry"),
    RegistryNews.NOTE: ("⚠️", "About the registry"),
    RegistryNews.BACK: ("✅", "Registry available again"),
}
_LINES: dict[NotificationEvent, Callable[[DeploymentView], Lines]] = {
    NotificationEvent.QUEUED: _queued,
    NotificationEvent.STUCK_IN_QUEUE: _stuck,
    NotificationEvent.STARTED: _started,
    NotificationEvent.PROGRESS: _progress,
    NotificationEvent.STALLED: _stalled,
    NotificationEvent.MOVING: _moving,
    NotificationEvent.OVERDUE: _overdue,
    NotificationEvent.WARNED: _warned,
    NotificationEvent.MONITOR_RESTARTED: _restarted,
    NotificationEvent.REGISTRY_FALLBACK: _fallback,
    NotificationEvent.TAKEOVER: _takeover,
}
