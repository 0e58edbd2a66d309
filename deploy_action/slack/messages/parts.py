"""Parts that several messages share: the queue, progress, causes, results, links, small print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.outcome import Outcome
from deploy_action.common.links import leads_home, openable
from deploy_action.reporting.subject import subject
from deploy_action.slack.messages import blocks, words
from deploy_action.slack.messages.blocks import around, bold, line, link, outside, when
from deploy_action.slack.view import cut_middle

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deploy_action.slack.messages.blocks import Element, Piece
    from deploy_action.slack.view import Ahead, CauseSeen, DeploymentView, ResourceSeen, StackSeen

AHEAD_MAX = 3
OUTPUTS_MAX = 8
VALUE_MAX = 200
ADVICE_MAX = 400
SENTENCE_MAX = 400
STACK_BUTTONS_MAX = 3
SAID_MAX = 3
"""Of a command's own words, so many lines."""


def queue_lines(view: DeploymentView) -> list[Element | None]:
    """The own place, who is ahead with a link, and until about when."""
    queue = view.queue
    if queue is None:
        return [line("Waiting in the queue.")]
    lines: list[Element | None] = []
    if queue.frozen is not None:
        until = when(queue.frozen.until)
        by = outside(queue.frozen.by, 60, bold=True) or "somebody"
        lines.append(
            line("🧊 Frozen by ", by, *([" until ", until] if until else [" until somebody lifts it"]))
        )
        lines.append(blocks.quote(queue.frozen.reason, SENTENCE_MAX))
    if len(queue.ahead) == 1:
        lines.append(line(bold("Next in line"), ", behind ", *_ahead(queue.ahead[0], view)))
    elif queue.ahead:
        lines.append(line(bold(f"Number {queue.position} in line"), ", behind"))
        rest = queue.position - 1 - AHEAD_MAX
        more = line(f"and {rest} more") if rest > 0 else None
        lines.append(blocks.bullets([*(line(*_ahead(one, view)) for one in queue.ahead[:AHEAD_MAX]), more]))
    elif queue.frozen is None:
        lines.append(line(bold("Next in line.")))
    lines += [line("⚠️ ", outside(remark, SENTENCE_MAX)) for remark in queue.remarks[:2]]
    if queue.away_seconds is not None:
        away = words.span(queue.away_seconds)
        lines.append(line(f"⚠️ The registry has not answered for {away}, so this may be past."))
    if queue.turn is not None and len(queue.ahead) > 1 and queue.away_seconds is None:
        lines.append(line(*around("Expected to start about ", when(queue.turn), ".")))
    since, end = when(queue.since), when(queue.gives_up)
    lines.append(line(*around("Waiting since ", since, "."), *around(" Gives up at ", end, ".")))
    return lines


def _ahead(one: Ahead, view: DeploymentView) -> list[Piece]:
    name = f"{one.actor}'s deployment" if one.actor else f"deployment {one.correlation_id}"
    stacks = subject([stack.rpartition("/")[2] for stack in one.stacks], "")
    name += f" of {stacks}" if stacks else ""
    shown = link(name, one.url) if _ours(one.url, view) else outside(name)
    if not one.holding:
        return [shown, ", waiting too"]
    since, end = when(one.since), when(one.expected_end)
    doing = [", running", *around(" since ", since)]
    return [shown, *doing, *around(", expected to end about ", end)] + (
        [] if end else [", no estimate of its end"]
    )


def _ours(url: str, view: DeploymentView) -> bool:
    return leads_home(url, (view.links.run, view.origin.server))


def expectation(view: DeploymentView) -> Element | None:
    """For the start: how long, until when, and what that rests on."""
    estimate = view.estimate
    if estimate is None or estimate.high_seconds <= 0:
        return line("No estimate yet.")
    began = view.started if view.started is not None else view.at
    end = when(began + estimate.mid_seconds)
    range_ = bold(words.between(estimate.low_seconds, estimate.high_seconds))
    return line("Expected to take ", range_, *around(", done about ", end), ".")


def basis(view: DeploymentView) -> Element | None:
    """The basis of the estimate."""
    rests = outside(words.rests_on(view.estimate), 200) if view.estimate is not None else None
    return line("Based on: ", rests) if rests else None


def progress_lines(view: DeploymentView) -> list[Element | None]:
    """The bar, what is left, what is worked on; while it rolls back, counts mean nothing."""
    lines: list[Element | None] = []
    if view.planned and not view.rolling_back:
        planned = max(view.planned, view.done)
        lines.append(line(words.bar(view.done, planned), "  ", bold(f"{view.done} of {planned}")))
    elif view.done and not view.rolling_back:
        lines.append(line(bold(f"{view.done} done")))
    lines.append(left(view))
    if view.late and not view.rolling_back:
        lines.append(line("Takes longer than expected."))
    lines += [stall_line(one) for one in view.stalled[:2]]
    stuck = {one.label for one in view.stalled[:2]}
    moving = [one for one in view.running if one.label not in stuck]
    if moving:
        others = view.running_count - 1 - len(stuck)
        more = f", and {others} more" if others > 0 else ""
        lines.append(line(*working_on(moving[0]), more))
    return lines


def left(view: DeploymentView) -> Element | None:
    if view.left is None or view.left.high_seconds <= 0:
        return None
    about = words.about(view.left.mid_seconds)
    range_ = words.between(view.left.low_seconds, view.left.high_seconds)
    end = when(view.at + view.left.mid_seconds)
    interval = f" ({range_})" if range_ != about else ""
    return line("About ", bold(f"{about} left"), interval, *around(", done about ", end))


def working_on(resource: ResourceSeen) -> list[Piece]:
    """`Creating Database for 2m10s`."""
    name = outside(resource.label, bold=True) or "a resource"
    return [f"{words.doing(resource.action)} ", name, f" for {words.span(resource.seconds)}"]


def stall_line(resource: ResourceSeen) -> Element | None:
    """`Database is silent, 31m after it began; usually 4m to 8m`."""
    usual = words.usually(resource)
    name = outside(resource.label, bold=True) or "A resource"
    silent = f" is silent, {words.about(resource.seconds)} after it began"
    return line(name, silent, f"; {usual}" if usual else "")


def cause_lines(causes: Iterable[CauseSeen], *, most: int, message_max: int) -> list[Element | None]:
    """Each with the service's own words, and what to do next."""
    lines: list[Element | None] = []
    for cause in list(causes)[:most]:
        kind = outside(cause.resource_type, 80)
        lines.append(line(outside(cause.name, bold=True) or "A resource", *around(" · ", kind)))
        lines.append(blocks.quote(cause.message, message_max))
        lines.append(next_step(cause.advice, cause.source))
    return lines


def next_step(advice: str, source: str = "") -> Element | None:
    """Our own sentences quote code in backticks, here as everywhere."""
    parts = prose(advice, ADVICE_MAX)
    more = link("more", source) if source and openable(source) else None
    return line(bold("Next: "), *parts, *around(" (", more, ")")) if parts else None


def prose(text: str, limit: int) -> list[Piece]:
    """A sentence in which what stands between backticks is code."""
    said = outside(text, limit)
    parts = said["text"].split("`") if said else []
    if len(parts) % 2 == 0:
        return [said]
    return [blocks.styled(part, code=bool(index % 2)) for index, part in enumerate(parts) if part]


def failure_lines(view: DeploymentView, *, most: int, message_max: int) -> list[Element | None]:
    """Causes; where there are none, the error that ended it."""
    lines = cause_lines(view.causes, most=most, message_max=message_max)
    hidden = max(view.cause_count, len(view.causes)) - min(most, len(view.causes))
    if lines and hidden > 0:
        lines.append(line(f"and {hidden} more cause{'' if hidden == 1 else 's'}, in the run's summary"))
    failure = view.failure
    if failure is None or view.causes:
        silent = not lines and view.outcome in {Outcome.FAILED, Outcome.ROLLED_BACK}
        return [line("CloudFormation gives no cause.")] if silent else lines
    lines.append(line(*prose(failure.what, message_max)) if failure.what else None)
    lines += [blocks.quote(said, SENTENCE_MAX) for said in failure.said[1:SAID_MAX]]
    lines.append(line(*prose(failure.why, SENTENCE_MAX)) if failure.why else None)
    lines.append(next_step(failure.remedy))
    return lines


def trouble_lines(view: DeploymentView, *, message_max: int) -> list[Element | None]:
    """Failures while it still runs; else what may fail."""
    if view.causes or view.warning is None:
        return cause_lines(view.causes, most=1, message_max=message_max)
    name = outside(view.warning.name, bold=True) or "A resource"
    return [line("⚠️ ", name, " may fail:"), blocks.quote(view.warning.message, message_max)]


def took(view: DeploymentView) -> list[Element | None]:
    """`Took 4 min 10 s, expected 3 to 6 min.`, and how long it waited before."""
    if view.duration_seconds is None or view.outcome in {Outcome.BUSY, Outcome.SKIPPED}:
        return []
    ended = view.outcome not in {Outcome.CANCELLED, Outcome.UNKNOWN, None}
    estimate = view.estimate
    well = view.outcome is Outcome.SUCCEEDED and estimate is not None and estimate.high_seconds > 0
    expected = (
        f", expected {words.between(estimate.low_seconds, estimate.high_seconds)}"
        if well and estimate
        else ""
    )
    verb = "Took " if ended else "Watched for "
    waited = (
        f"Waited {words.span(view.queue_seconds)} in the queue before." if view.queue_seconds >= 10 else ""
    )
    return [line(verb, bold(words.span(view.duration_seconds)), f"{expected}."), line(waited)]


def output_list(view: DeploymentView) -> Element | None:
    """Outputs that were asked for; an address can be opened, and is shown as what it is."""
    items = []
    for name, value in view.outputs[:OUTPUTS_MAX]:
        whole = len(value) <= blocks.NAME_MAX and openable(value)
        shown = link(value, value) if whole else outside(value, VALUE_MAX, code=True)
        items.append(line(outside(name, bold=True), "  ", shown or "(empty)"))
    hidden = len(view.outputs) - OUTPUTS_MAX
    if hidden > 0:
        items.append(line(f"and {hidden} more"))
    return blocks.bullets(items)


def fallback_line(view: DeploymentView) -> Element | None:
    return (
        line("⚠️ ", outside(cut_middle(view.fallback, SENTENCE_MAX), SENTENCE_MAX)) if view.fallback else None
    )


def buttons(view: DeploymentView, *, thread: bool = False) -> Element | None:
    found = [("open_thread", "Thread", view.thread)] if thread and view.thread else []
    found.append(("open_run", "Run", view.links.run))
    consoles = [stack for stack in view.stacks if stack.console]
    regions = len({stack.region for stack in consoles}) > 1
    for number, stack in enumerate(consoles[:STACK_BUTTONS_MAX], 1):
        name = f"{stack.region}/{stack.name}" if regions else stack.name
        label = "Stack" if len(consoles) == 1 else name
        found.append((f"open_stack_{number}", label, stack.console))
    found.append(("open_commit", "Commit", view.links.commit))
    return blocks.buttons(found)


def small_print(view: DeploymentView, *, verb: str) -> Element | None:
    """Where, by whom, from what, when, and the correlation id."""
    where = _places(view.stacks)
    commit = view.links.commit_id[:7]
    source = " ".join(part for part in (view.links.version, view.origin.ref, commit) if part)
    about = " · ".join(part for part in (where, view.origin.repository, view.origin.actor, source) if part)
    return blocks.context(about, float(view.at), view.correlation_id, verb=verb)


def _places(stacks: tuple[StackSeen, ...]) -> str:
    names = ", ".join(stack.name for stack in stacks[:3])
    more = f" and {len(stacks) - 3} more" if len(stacks) > 3 else ""
    regions = sorted({stack.region for stack in stacks})
    return f"{names}{more} ({', '.join(regions[:3])})" if names and regions else names
