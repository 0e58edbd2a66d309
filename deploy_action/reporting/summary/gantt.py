"""A Mermaid Gantt chart of what took how long. Bounded, whatever the stack's size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.events import was_cancelled
from deploy_action.cloudformation.operation import Phase
from deploy_action.cloudformation.stacks import STACK_TYPE
from deploy_action.common.escape import mermaid
from deploy_action.common.times import duration
from deploy_action.reporting.log.progress import usually
from deploy_action.reporting.summary.times import is_slow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.reporting.resource_activity import ResourceActivity

BARS_MAX = 30
"""GitHub renders charts of up to 50,000 characters; people read far fewer bars."""
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
"""One resource can have several bars. And a name alone, such as `Title`, could be a word of Mermaid's."""


def gantt(bars: Sequence[ResourceActivity], *, end: float) -> str:
    """The longest bars in the order in which they began, a section a phase of a stack; empty where there is
    none. What failed is among them however short it was.

    `end` (unix seconds) closes bars that are still open. Times are elapsed times since the first bar: Mermaid
    reads and shows them in the viewer's zone alike, so that no zone can shift them.
    """
    drawn = [bar for bar in bars if bar.resource_type != STACK_TYPE] or list(bars)
    if not drawn:
        return ""
    origin = min(bar.started for bar in drawn)
    longest = sorted(drawn, key=lambda bar: (_failed(bar), bar.seconds(end)), reverse=True)[:BARS_MAX]
    total = max(bar.seconds(end) + bar.started - origin for bar in longest)
    sections = _sections(longest)
    room = max(len(name) for name, _ in sections)
    lines = [
        f"### Timeline{_which(len(longest), len(drawn))}",
        "",
        "```mermaid",
        f'%%{{init: {{"gantt": {{"leftPadding": {24 + 7 * room}}}}}}}%%',
        "gantt",
        "    dateFormat YYYY-MM-DD HH:mm:ss",
        f"    axisFormat {'%H:%M:%S' if total >= 3600 else '%M:%S'}",
        f"    tickInterval {_tick(total)}",
        "    todayMarker off",
    ]
    for name, of_section in sections:
        lines.append(f"    section {name}")
        lines += [_line(bar, origin, end) for bar in of_section]
    lines.append("```")
    return "\n".join(lines)


def _which(shown: int, count: int) -> str:
    return f": the {shown} longest of {count}" if shown < count else ""


def _failed(bar: ResourceActivity) -> bool:
    return bar.status.endswith("_FAILED") and not was_cancelled(bar.reason)


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
    return (
        f"    {_SIGNS.get(bar.action, '·')} {mermaid(bar.label)} {duration(seconds)}{said} :{tag}"
        f"{_stamp(start)}, {_stamp(start + max(1, round(seconds)))}"
    )


def _looks(bar: ResourceActivity, end: float) -> tuple[str, str]:
    """Mermaid's tag, which is a colour, and the words that say the same."""
    usual = usually(bar.usual)
    if bar.status.endswith("_FAILED"):
        return ("crit, ", "failed") if _failed(bar) else ("done, ", "cancelled")
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
