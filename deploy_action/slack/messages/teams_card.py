"""A deployment at one moment as an Adaptive Card, in the envelope of Microsoft Teams.

Text from outside stands in text runs alone: those know no Markdown, no link and no mention.
Source: the schema of Adaptive Cards 1.4, and "Create incoming webhooks with Workflows for Microsoft Teams".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.common.escape import one_line
from deploy_action.common.links import openable
from deploy_action.slack.messages import words
from deploy_action.slack.messages.document import summary_line

if TYPE_CHECKING:
    from deploy_action.slack.view import CauseSeen, DeploymentView

Element = dict[str, object]

CAUSES_MAX = 3
STACKS_MAX = 5
LINE_MAX = 300
MESSAGE_MAX = 900


def teams_message(view: DeploymentView) -> dict[str, object]:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "fallbackText": summary_line(view),
        "body": _body(view),
        "actions": _actions(view),
    }
    content_type = "application/vnd.microsoft.card.adaptive"
    return {
        "type": "message",
        "attachments": [{"contentType": content_type, "content": card}],
    }


def _body(view: DeploymentView) -> list[Element]:
    found = [_line(_run(summary_line(view), size="Large", weight="Bolder", color=_color(view)))]
    facts = [
        ("Stacks", _stacks(view)),
        ("Took", words.span(view.duration_seconds) if view.duration_seconds is not None else ""),
        ("Waited", words.span(view.queue_seconds) if view.queue_seconds >= 1 else ""),
        ("Expected", _expected(view)),
        ("By", " · ".join(part for part in (view.origin.actor, view.origin.workflow) if part)),
        ("From", _source(view)),
    ]
    found += [_line(_run(f"{name}: ", weight="Bolder"), _run(value)) for name, value in facts if value]
    for cause in view.causes[:CAUSES_MAX]:
        found += _cause(cause)
    if view.cause_count > CAUSES_MAX:
        found.append(_line(_run(f"and {view.cause_count - CAUSES_MAX} more causes in the run's summary")))
    if view.failure is not None and not view.causes:
        found.append(_line(_run(view.failure.what, limit=MESSAGE_MAX)))
        found += [_line(_run(view.failure.remedy, limit=MESSAGE_MAX))] if view.failure.remedy else []
    found.append(_line(_run(view.correlation_id, size="Small", isSubtle=True)))
    return found


def _cause(cause: CauseSeen) -> list[Element]:
    head = _line(
        _run(f"{cause.name} ", weight="Bolder"), _run(f"{cause.resource_type} {cause.status}", isSubtle=True)
    )
    found = [head, _line(_run(cause.message, limit=MESSAGE_MAX))]
    return [*found, _line(_run(f"Next: {cause.advice}", limit=MESSAGE_MAX))] if cause.advice else found


def _actions(view: DeploymentView) -> list[Element]:
    addresses = [("Run", view.links.run)]
    addresses += [(f"Stack {one_line(one.name, 40)}", one.console) for one in view.stacks[:2] if one.console]
    addresses.append(("Commit", view.links.commit))
    return [
        {"type": "Action.OpenUrl", "title": title, "url": url} for title, url in addresses if openable(url)
    ]


def _line(*runs: Element) -> Element:
    return {"type": "RichTextBlock", "inlines": list(runs)}


def _run(text: str, *, limit: int = LINE_MAX, **looks: object) -> Element:
    return {"type": "TextRun", "text": one_line(text, limit) or " ", **looks}


def _stacks(view: DeploymentView) -> str:
    names = [f"{one.region}/{one.name} {one.status}".strip() for one in view.stacks[:STACKS_MAX]]
    more = len(view.stacks) - STACKS_MAX
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def _expected(view: DeploymentView) -> str:
    estimate = view.estimate
    return "" if estimate is None else words.between(estimate.low_seconds, estimate.high_seconds)


def _source(view: DeploymentView) -> str:
    parts = (view.origin.repository, view.links.version, view.origin.ref, view.links.commit_id[:7])
    return " ".join(part for part in parts if part)


def _color(view: DeploymentView) -> str:
    if view.moment.needs_somebody:
        return "Attention"
    return "Good" if view.moment.final and view.outcome is not None and view.outcome.good else "Default"
