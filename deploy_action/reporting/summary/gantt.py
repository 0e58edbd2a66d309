"""Mermaid Gantt charts of what took how long. Bounded, whatever the stack's size.

What was deployed comes first; a rollback is one bar below it, and a chart of its own, folded up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.operation import Phase
from deploy_action.cloudformation.stacks import STACK_TYPE
from deploy_action.common.escape import mermaid
from deploy_action.common.times import duration
from deploy_action.reporting.log.progress import usually
from deploy_action.reporting.summary.tables import folded
from deploy_action.reporting.summary.times import comparable, is_slow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.reporting.resource_activity import ResourceActivity

BARS_MAX = 30
"""GitHub renders charts of up to 50,000 characters; people read far fewer bars."""
WAITED_FOR_MAX = 5
"""Of what one failed resource waited for, the last ones."""
WIDTH = 900
"""Pixels. A chart is laid out for it and then made smaller as a whole: laid out for a phone, names would
lie on each other."""
_BEFORE_SECONDS = 2.0
"""A resource begins so long after the last one that it waited for has ended."""
_TICKS = (
    (5, "5second"),
    (15, "15second"),
    (30, "30second"),
    (60, "1minute"),
    (120, "2minute"),
    (300, "5minute"),
    (600, "10minute"),
    (1800, "30minute"),
    (3600, "1hour"),
    (14_400, "4hour"),
)
_SIGNS = {"CREATE": "+", "UPDATE": "~", "DELETE": "-", "IMPORT": "="}
_LEGEND = {"CREATE": "created", "UPDATE": "updated", "DELETE": "deleted", "IMPORT": "imported"}
"""One resource can have several bars. And a name alone, such as `Title`, could be a word of Mermaid's."""


def gantt(bars: Sequence[ResourceActivity], *, end: float) -> str:
    """The longest bars in the order in which they began, a section a phase of a stack; empty where there is
    none. What failed, and what it waited for, are among them however short they were.

    `end` (unix seconds) closes bars that are still open. Times are elapsed times since the first bar: Mermaid
    reads and shows them in the viewer's zone alike, so that no zone can shift them.
    """
    drawn = [bar for bar in bars if bar.resource_type != STACK_TYPE] or list(bars)
    undone = [bar for bar in drawn if bar.phase is Phase.ROLLBACK]
    done = [bar for bar in drawn if bar.phase is not Phase.ROLLBACK]
    if not drawn:
        return ""
    if not done or not undone:
        chosen = _chosen(drawn, end)
        title = "Rollback" if undone else "Timeline"
        return f"### {title}{_which(chosen, drawn)}\n\n{_chart(title, chosen, end)}{_legend(drawn)}"
    chosen, back = _chosen(done, end), _chosen(undone, end)
    chart = _chart("Timeline", chosen, end, undone=undone)
    rollback = folded(f"Rollback{_which(back, undone)}", _chart("Rollback", back, end))
    return f"### Timeline{_which(chosen, done)}\n\n{chart}{_legend(drawn)}\n\n{rollback}"


def _legend(bars: Sequence[ResourceActivity]) -> str:
    """The signs that stand before names, where there are any."""
    used = {bar.action for bar in bars}
    words = [f"`{_SIGNS[one]}` {word}" for one, word in _LEGEND.items() if one in used]
    return f"\n\n<sub>{' · '.join(words)}</sub>" if words else ""


def _chosen(drawn: Sequence[ResourceActivity], end: float) -> list[ResourceActivity]:
    longest = sorted(drawn, key=lambda bar: (not bar.cancelled, bar.seconds(end)), reverse=True)
    failed = [bar for bar in longest if bar.failed][:BARS_MAX]
    waited_for = [one for bar in failed for one in _waited_for(bar, drawn)]
    once = {id(bar): bar for bar in (*failed, *waited_for, *longest)}
    return list(once.values())[:BARS_MAX]


def _waited_for(bar: ResourceActivity, drawn: Sequence[ResourceActivity]) -> list[ResourceActivity]:
    """The chain of what ended right before the next one of it began, the last first."""
    found: list[ResourceActivity] = []
    while len(found) < WAITED_FOR_MAX:
        before = [
            (one.ended, one)
            for one in drawn
            if one.stack == bar.stack
            and one.phase is bar.phase
            and one.ended is not None
            and one.started < bar.started
            and bar.started - _BEFORE_SECONDS <= one.ended <= bar.started
        ]
        if not before:
            return found
        bar = max(before, key=lambda pair: pair[0])[1]
        found.append(bar)
    return found


def _chart(
    title: str,
    bars: Sequence[ResourceActivity],
    end: float,
    *,
    undone: Sequence[ResourceActivity] = (),
) -> str:
    """`undone`: drawn as one bar a stack."""
    origin = min(bar.started for bar in (*bars, *undone))
    total = max(bar.seconds(end) + bar.started - origin for bar in (*bars, *undone))
    sections = _sections(bars)
    room = max(len(name) for name in (*dict(sections), *["Rollback"] * bool(undone)))
    lines = [
        "```mermaid",
        f'%%{{init: {{"gantt": {{"useWidth": {WIDTH}, "leftPadding": {24 + 7 * room}}}}}}}%%',
        "gantt",
        f"    accTitle: {title}",
        f"    accDescr: {_description(bars, end, total, undone=undone)}",
        "    dateFormat YYYY-MM-DD HH:mm:ss",
        f"    axisFormat {'%H:%M:%S' if total >= 3600 else '%M:%S'}",
        f"    tickInterval {_tick(total)}",
        "    todayMarker off",
    ]
    for name, of_section in sections:
        lines.append(f"    section {name}")
        lines += [_line(bar, origin, end) for bar in of_section]
    lines += _rollbacks(undone, origin, end)
    lines.append("```")
    return "\n".join(lines)


def _description(
    bars: Sequence[ResourceActivity], end: float, total: float, *, undone: Sequence[ResourceActivity]
) -> str:
    """For whoever does not see it."""
    longest = max(bars, key=lambda bar: bar.seconds(end))
    failed = [mermaid(bar.label) for bar in bars if bar.failed]
    words = [
        f"{len(bars)} resource{'' if len(bars) == 1 else 's'} in {duration(total)}",
        f"the longest is {mermaid(longest.label)} with {duration(longest.seconds(end))}",
        f"failed - {' and '.join(failed[:3])}{f' and {len(failed) - 3} more' if len(failed) > 3 else ''}"
        if failed
        else "",
        "then it was rolled back" if undone else "",
    ]
    return ", ".join(part for part in words if part)


def _rollbacks(undone: Sequence[ResourceActivity], origin: float, end: float) -> list[str]:
    if not undone:
        return []
    lines = ["    section Rollback"]
    stacks = list(dict.fromkeys(bar.stack for bar in undone))
    for stack in stacks:
        own = [bar for bar in undone if bar.stack == stack]
        start = min(bar.started for bar in own)
        last = max(bar.started + bar.seconds(end) for bar in own)
        name = f" of {mermaid(stack.rpartition('/')[2], 24)}" if len(stacks) > 1 else ""
        began = round(start - origin)
        count = f"{len(own)} resource{'' if len(own) == 1 else 's'}"
        lines.append(
            f"    ↩ Rollback{name} {duration(last - start)} ({count}) :done, "
            f"{_stamp(began)}, {_stamp(began + max(1, round(last - start)))}"
        )
    return lines


def _which(shown: Sequence[ResourceActivity], drawn: Sequence[ResourceActivity]) -> str:
    if len(shown) == len(drawn):
        return ""
    what = "failed and longest" if any(bar.failed for bar in shown) else "longest"
    return f": the {len(shown)} {what} of {len(drawn)}"


def _sections(bars: Sequence[ResourceActivity]) -> list[tuple[str, list[ResourceActivity]]]:
    """By stack, in the order in which they began, and by phase."""
    found: dict[tuple[str, Phase], list[ResourceActivity]] = {}
    for bar in sorted(bars, key=lambda bar: bar.started):
        found.setdefault((bar.stack, bar.phase), []).append(bar)
    stacks = list(dict.fromkeys(stack for stack, _ in found))
    order = list(Phase)
    keys = sorted(found, key=lambda key: (stacks.index(key[0]), order.index(key[1])))
    several = len(stacks) > 1
    return [(_section(stack, phase, several=several), found[stack, phase]) for stack, phase in keys]


def _section(stack: str, phase: Phase, *, several: bool) -> str:
    if not several:
        return phase.value
    name = mermaid(stack.rpartition("/")[2], 24)
    return name if phase is Phase.DEPLOY else f"{name} - {phase.value.lower()}"


def _line(bar: ResourceActivity, origin: float, end: float) -> str:
    seconds = bar.seconds(end)
    start = round(bar.started - origin)
    tag, words = _looks(bar, end)
    said = f" ({words})" if words else ""
    took = "" if bar.cancelled else f" {duration(seconds)}"
    return (
        f"    {_SIGNS.get(bar.action, '·')} {mermaid(bar.label)}{took}{said} :{tag}"
        f"{_stamp(start)}, {_stamp(start + max(1, round(seconds)))}"
    )


def _looks(bar: ResourceActivity, end: float) -> tuple[str, str]:
    """Mermaid's tag, which is a colour, and the words that say the same."""
    usual = usually(bar.usual) if comparable(bar) else ""
    if bar.status.endswith("_FAILED"):
        return ("crit, ", "failed") if bar.failed else ("done, ", "cancelled")
    if bar.ended is None:
        return "active, ", f"no end seen, {usual}" if usual else "no end seen"
    return ("", f"slow, {usual}") if is_slow(bar, end) else ("done, ", usual)


def _tick(total: float) -> str:
    """The width of the grid: some eight lines, whatever the length."""
    for seconds, words in _TICKS:
        if total <= 8 * seconds:
            return words
    return "1day"


def _stamp(seconds: int) -> str:
    days, rest = divmod(seconds, 86_400)
    return f"2000-01-{1 + min(days, 30):02d} {rest // 3600:02d}:{rest % 3600 // 60:02d}:{rest % 60:02d}"
