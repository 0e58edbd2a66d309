"""The line that a phone shows of a message, and a screen reader reads: all of the message for many people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.outcome import Outcome
from deploy_action.common.escape import one_line, slack
from deploy_action.slack.messages import parts, words
from deploy_action.slack.view import cut_middle

if TYPE_CHECKING:
    from deploy_action.slack.messages.blocks import Element
    from deploy_action.slack.view import DeploymentView, StackSeen

PUSH_MAX = 150
"""Characters that phones show of a notification."""
_SENTENCE_ENDS = ".:;!?…"
_NESTED_STACK = "AWS::CloudFormation::Stack"
_CUTS = (
    ("cause", 60),
    ("owner", 0),
    ("stack", 24),
    ("resource", 24),
    ("cause", 30),
    ("name", 22),
    ("repository", 16),
    ("stack", 16),
    ("resource", 16),
    ("name", 16),
)
"""The parts that are cut where the line is too long, least important first, and to how many characters at
most."""


def push_line(view: DeploymentView, told: str = "") -> str:
    """Repository, environment, stack, resource, cause, in this order, escaped for Slack. `told`: what
    happened, behind a sign, for a message about that; else the line says where the deployment stands."""
    sign, before, after = words.heading(view)
    cause = _cause(view)
    resource = _resource(view)
    if told:
        first, _, rest = told.partition(" ")
        marked = bool(rest) and not any(letter.isalnum() for letter in first)
        sign, cause = (first, rest) if marked else (sign, told)
        before, after, resource = "", "", ""
    else:
        after = " ".join(part for part in (after, _how_far(view)) if part)
    found = {
        "repository": one_line(view.origin.repository),
        "name": one_line(view.environment) or words.what(view),
        "stack": _stack(view) if one_line(view.environment) else "",
        "resource": one_line(resource),
        "cause": one_line(cause),
    }
    more = f" and {len(view.stacks) - 1} more" if len(view.stacks) > 1 else ""
    for name, most in _CUTS:
        over = len(_joined(found, sign, before, after, more)) - PUSH_MAX
        if over <= 0:
            break
        if name == "owner":
            found["repository"] = found["repository"].rpartition("/")[2]
        else:
            length = max(most, len(found[name]) - over)
            found[name] = (one_line if name == "cause" else cut_middle)(found[name], length)
    return slack(_joined(found, sign, before, after, more), PUSH_MAX)


def as_text(lines: list[Element | None]) -> str:
    """The text of lines, quotes and lists, sentence by sentence."""
    said = (_words(part).strip() for part in lines if part is not None)
    return " ".join(f"{text}{'' if text[-1] in _SENTENCE_ENDS else '.'}" for text in said if text)


def _joined(found: dict[str, str], sign: str, before: str, after: str, more: str) -> str:
    state = " ".join(part for part in (before, found["name"], after) if part)
    lead = f"{sign} {found['repository']}: {state}" if found["repository"] else f"{sign} {state}"
    what = ": ".join(part for part in (found["resource"], found["cause"]) if part)
    stack = f"{found['stack']}{more}" if found["stack"] else ""
    return " · ".join(part for part in (lead, stack, what) if part)


def _words(element: Element) -> str:
    if element["type"] == "date":
        return str(element["fallback"])
    if "elements" in element:
        between = "; " if element["type"] == "rich_text_list" else ""
        return between.join(_words(part) for part in element["elements"])
    return str(element.get("text", ""))


def _how_far(view: DeploymentView) -> str:
    if view.outcome is Outcome.SUCCEEDED and view.duration_seconds is not None:
        return f"in {words.span(view.duration_seconds)}"
    if view.moment.final or words.waits(view) or view.rolling_back or not view.planned:
        return ""
    return f"({view.done} of {max(view.planned, view.done)})"


def _stack(view: DeploymentView) -> str:
    """The one that failed, else the first."""
    shown = next((stack for stack in view.stacks if _went_wrong(stack)), next(iter(view.stacks), None))
    return "" if shown is None else one_line(shown.name)


def _went_wrong(stack: StackSeen) -> bool:
    return "FAILED" in stack.status or "ROLLBACK" in stack.status


def _resource(view: DeploymentView) -> str:
    """The failed resource; else what stands still; else what is worked on longest."""
    if words.waits(view):
        return ""
    if view.causes:
        return view.causes[0].name
    found = (*view.stalled, *view.running)
    inner = (one.label for one in found if one.resource_type != _NESTED_STACK)
    return next(inner, found[0].label if found else "")


def _cause(view: DeploymentView) -> str:
    if words.waits(view):
        return as_text(parts.queue_lines(view)[:2])
    if view.outcome is not None and view.outcome.good:
        return ""
    if view.causes:
        return view.causes[0].message
    if view.failure is not None:
        return view.failure.said[0] if view.failure.said else view.failure.what
    return ""
