"""The differences to the last good deployment: commits, times, resources."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from deploy_action.cloudformation.outcome import Outcome
from deploy_action.common.escape import code, link, markdown
from deploy_action.common.links import leads_home
from deploy_action.common.times import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.reporting.comparison import Comparison
    from deploy_action.reporting.report import Report

STACKS_MAX = 10
NAMES_MAX = 6
NOTABLE_SECONDS = 5.0
NOTABLE_FACTOR = 1.25
_SIGNS = {"CREATE": "+", "UPDATE": "~", "DELETE": "-", "IMPORT": "="}
_COMMIT = re.compile(r"[0-9a-f]{7,40}")


def since_last_time(report: Report) -> str:
    """Of each stack that was deployed well before; empty where none was."""
    found = report.comparisons[:STACKS_MAX]
    if not found:
        return ""
    lines = ["### What changed since the last good deployment"]
    for then in dict.fromkeys(_then(report, one) for one in found):
        lines.append(then)
        lines.append("\n".join(_items(report, [one for one in found if _then(report, one) == then])))
    left_out = len(report.comparisons) - STACKS_MAX
    if left_out > 0:
        lines.append(f"And of {left_out} more stacks.")
    return "\n\n".join(line for line in lines if line)


def _then(report: Report, one: Comparison) -> str:
    """When it was, and which commits lie between."""
    when = one.ended[:16].replace("T", " ")
    words = f"{markdown(when)} UTC" if when else "the deployment before"
    told = f"Compared with {link(words, one.url) if leads_home(one.url, (report.links.run,)) else words}"
    now, then = report.links.commit_id, one.commit
    if not (_COMMIT.fullmatch(now) and _COMMIT.fullmatch(then)):
        return f"{told}:"
    if now == then:
        return f"{told}, of the same commit {code(now[:7])}:"
    commits = f"{code(then[:7])} to {code(now[:7])}"
    repository = report.links.commit.removesuffix(f"/commit/{now}")
    if repository != report.links.commit:
        commits = link(commits, f"{repository}/compare/{then}...{now}")
    return f"{told}, commits {commits}:"


def _items(report: Report, found: Sequence[Comparison]) -> list[str]:
    """A line a fact where it is about one stack, else a line a stack."""
    if len(report.stacks) == len(found) == 1:
        facts = _facts(report, found[0]) or ["nothing notable"]
        return [f"- {fact[:1].upper()}{fact[1:]}" for fact in facts]
    return [f"- {code(one.stack)}: {'; '.join(_facts(report, one)) or 'nothing notable'}" for one in found]


def _facts(report: Report, one: Comparison) -> list[str]:
    facts = []
    if report.outcome is Outcome.SUCCEEDED:
        change = one.seconds - one.last_seconds
        more = "" if abs(change) < 1 else f" ({'+' if change > 0 else '-'}{duration(abs(change))})"
        times = f"{duration(one.seconds)}, last time {duration(one.last_seconds)}{more}"
        facts.append(f"CloudFormation took {times}")
    facts += _slower_and_faster(report, one)
    if one.same:
        facts.append("the same resources were touched")
    else:
        facts += _touched("touched only this time", one.added, one.added_count)
        facts += _touched("touched only last time", one.gone, one.gone_count)
        if one.same is False and not (one.added or one.gone):
            facts.append("other resources were touched than last time")
    return facts


def _slower_and_faster(report: Report, one: Comparison) -> list[str]:
    changed = []
    for bar in report.bars:
        then = bar.last_seconds
        if bar.stack != one.stack or then is None or not bar.done_well:
            continue
        now = bar.seconds(bar.started)
        larger, smaller = max(now, then), min(now, then)
        if larger - smaller >= NOTABLE_SECONDS and larger >= smaller * NOTABLE_FACTOR:
            changed.append((now - then, f"{code(bar.label)} {duration(now)} (was {duration(then)})"))
    changed.sort(key=lambda pair: -abs(pair[0]))
    slower = [words for change, words in changed if change > 0]
    faster = [words for change, words in changed if change < 0]
    named = (("slower", slower), ("faster", faster))
    return [f"{title}: {_listed(names, len(names))}" for title, names in named if names]


def _touched(title: str, found: Sequence[tuple[str, str]], count: int) -> list[str]:
    names = [code(f"{_SIGNS.get(action, '·')} {label}") for action, label in found]
    return [f"{title}: {_listed(names, count)}"] if names else []


def _listed(names: Sequence[str], count: int) -> str:
    rest = count - min(len(names), NAMES_MAX)
    return ", ".join(names[:NAMES_MAX]) + (f" and {rest} more" if rest > 0 else "")
