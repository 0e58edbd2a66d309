"""How long things took beside what was expected, what is usual, and what they took last time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from deploy_action.core.accuracy import holds
from deploy_action.core.report import Outcome
from deploy_action.core.stacks import STACK_TYPE
from deploy_action.core.times import duration
from deploy_action.render.escape import code, link, markdown
from deploy_action.render.progress import usually
from deploy_action.render.summary_tables import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.core.accuracy import Accuracy
    from deploy_action.core.comparison import Comparison
    from deploy_action.core.forecast import Estimate
    from deploy_action.core.report import Bar, Report

SLOWEST = 8
COMPARISONS_MAX = 10
NAMES_MAX = 6
NOTABLE_SECONDS = 5.0
NOTABLE_FACTOR = 1.25
_SIGNS = {"CREATE": "+", "UPDATE": "~", "DELETE": "-", "IMPORT": "="}
_COMMIT = re.compile(r"[0-9a-f]{7,40}")


def expected_against_actual(report: Report) -> str:
    """One line that a person understands, then how good the estimates before it were."""
    estimate, seconds = report.estimate, report.duration_seconds
    if estimate is None:
        return ""
    if seconds is None or report.outcome is not Outcome.SUCCEEDED:
        # What failed or changed nothing was not what the estimate was made for.
        line = f"A deployment that succeeds was expected to take {expectation(estimate)}."
    else:
        judged = _judged(estimate, seconds)
        line = f"Took {duration(seconds)}; expected {expectation(estimate)}: **{judged}**."
    return f"{line} {_accuracy(report.accuracy)}".rstrip()


def expectation(estimate: Estimate) -> str:
    """`3m50s (3m00s to 6m00s, from 4 deployments of the same resources)`."""
    basis = markdown(estimate.basis)
    if estimate.samples == 1 and "deployments" in basis:
        basis = basis.replace("deployments", "deployment", 1)
    counted = f"{estimate.samples} {basis}" if estimate.samples and "deployment" in basis else basis
    return (
        f"{duration(estimate.mid_seconds)} ({duration(estimate.low_seconds)} to "
        f"{duration(estimate.high_seconds)}, from {counted})"
    )


def _judged(estimate: Estimate, seconds: float) -> str:
    if holds(estimate, seconds):
        return "as expected"
    if seconds < estimate.low_seconds:
        return f"{duration(estimate.low_seconds - seconds)} faster than expected"
    return f"{duration(seconds - estimate.high_seconds)} slower than expected"


def _accuracy(accuracy: Accuracy | None) -> str:
    if accuracy is None or accuracy.count < 2:
        return ""
    return (
        f"Of the {accuracy.count} estimates before, {accuracy.inside} held "
        f"({accuracy.coverage * 100:.0f} %; the aim is 80 %), and half were at most "
        f"{accuracy.median_error * 100:.0f} % off."
    )


def is_slow(bar: Bar, end: float) -> bool:
    """Notably slower than usual here."""
    return bar.usual is not None and bar.seconds(end) > bar.usual.high_seconds + NOTABLE_SECONDS


def slowest(bars: Sequence[Bar], end: float) -> str:
    """A table of the longest ones; columns of which nothing is known are left out."""
    found = [bar for bar in bars if bar.resource_type != STACK_TYPE]
    found = sorted(found, key=lambda bar: bar.seconds(end), reverse=True)[:SLOWEST]
    if not found:
        return ""
    usual, last = any(bar.usual for bar in found), any(bar.last_seconds is not None for bar in found)
    head = ["Resource", "Type", "Action", "Took"]
    head += ["Usually"] * usual + ["Last time"] * last
    rows = []
    for bar in found:
        row = [code(bar.label), code(bar.resource_type), action(bar), took(bar, end)]
        row += [usual_of(bar, end)] * usual
        row += ["" if bar.last_seconds is None else duration(bar.last_seconds)] * last
        rows.append(row)
    return "### Slowest resources\n\n" + table(head, rows)


def action(bar: Bar) -> str:
    phase = "" if bar.phase.value == "Deploy" else f" ({bar.phase.value.lower()})"
    return markdown(bar.action.lower()) + phase


def took(bar: Bar, end: float) -> str:
    return duration(bar.seconds(end)) + ("" if bar.ended is not None else " so far")


def usual_of(bar: Bar, end: float) -> str:
    words = usually(bar.usual).removeprefix("usually ")
    return f"{words} · **slower**" if is_slow(bar, end) else words


def since_last_time(report: Report) -> str:
    """What is other than in the last good deployment of each stack; empty where there was none."""
    parts = [_since(report, one) for one in report.comparisons[:COMPARISONS_MAX]]
    left_out = len(report.comparisons) - COMPARISONS_MAX
    if left_out > 0:
        parts.append(f"And {left_out} more stacks.")
    return "\n\n".join(["### Since the last good deployment", *parts]) if parts else ""


def _since(report: Report, one: Comparison) -> str:
    bars = [bar for bar in report.bars if bar.stack == one.stack and bar.last_seconds is not None]
    good = report.outcome is Outcome.SUCCEEDED
    items = [_which(report, one)]
    if good:
        change = one.seconds - one.last_seconds
        more = "" if abs(change) < 1 else f" ({'+' if change > 0 else '-'}{duration(abs(change))})"
        items.append(f"took {duration(one.seconds)}, last time {duration(one.last_seconds)}{more}")
    items += _faster_or_slower(bars)
    if one.same:
        items.append("the same resources were touched")
    else:
        items += _touched("touched only this time", one.added, one.added_count)
        items += _touched("touched only last time", one.gone, one.gone_count)
        if one.same is False and not (one.added or one.gone):
            items.append("other resources were touched than last time")
    return "\n".join([f"- {items[0]}", *(f"- {item[:1].upper()}{item[1:]}" for item in items[1:])])


def _which(report: Report, one: Comparison) -> str:
    """Of which stack, when it was, and which commit that deployed."""
    when = one.ended[:16].replace("T", " ")
    words = f"{markdown(when)} UTC" if when else "the deployment before"
    told = f"{code(one.stack)}: {link(words, one.url) if one.url else words}"
    now, then = report.links.commit_id, one.commit
    if not (_COMMIT.fullmatch(now) and _COMMIT.fullmatch(then)):
        return told
    if now == then:
        return f"{told}, the same commit {code(now[:7])}"
    words = f"{code(then[:7])} to {code(now[:7])}"
    base = report.links.commit.removesuffix(f"/commit/{now}")
    if base != report.links.commit:
        words = link(words, f"{base}/compare/{then}...{now}")
    return f"{told}, commits {words}"


def _faster_or_slower(bars: Sequence[Bar]) -> list[str]:
    changed = []
    for bar in bars:
        if bar.last_seconds is not None and bar.ended is not None and bar.status.endswith("_COMPLETE"):
            now, then = bar.ended - bar.started, bar.last_seconds
            larger, smaller = max(now, then), min(now, then)
            if larger - smaller >= NOTABLE_SECONDS and larger >= smaller * NOTABLE_FACTOR:
                changed.append((now - then, f"{code(bar.label)} {duration(now)} (was {duration(then)})"))
    changed.sort(key=lambda pair: -abs(pair[0]))
    slower = [words for change, words in changed if change > 0]
    faster = [words for change, words in changed if change < 0]
    named = (("slower", slower), ("faster", faster))
    return [f"{title}: {_listed(found)}" for title, found in named if found]


def _touched(title: str, found: Sequence[tuple[str, str]], count: int) -> list[str]:
    names = [code(f"{_SIGNS.get(action, '')} {label}".strip()) for action, label in found]
    return [f"{title}: {_listed(names, count)}"] if names else []


def _listed(names: Sequence[str], count: int | None = None) -> str:
    rest = (len(names) if count is None else count) - NAMES_MAX
    return ", ".join(names[:NAMES_MAX]) + (f" and {rest} more" if rest > 0 else "")
