"""A plan as GitHub-flavoured Markdown, verdict first: for the comment on the pull request and the summary."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from deploy_action.common.escape import code, code_block, link, markdown, prose
from deploy_action.common.times import duration
from deploy_action.plan.planned import Deed
from deploy_action.reporting.summary.tables import folded, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deploy_action.cloudformation.change_set import Change, PropertyChange
    from deploy_action.history.estimate import Estimate
    from deploy_action.plan.planned import Plan, PlannedResource
    from deploy_action.reporting.report import Links

COMMENT_BYTES_MAX = 65_000
"""GitHub takes 65,536 characters."""
SENTENCES_MAX = 20
SENTENCE_MAX = 600
PROPERTIES_MAX = 40
"""Of one resource."""
VALUE_SHOWN = 300
LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"
SIGNS = {
    Deed.DELETE: "−",
    Deed.REPLACE: "±",
    Deed.PERHAPS: "±?",
    Deed.UNKNOWN: "?",
    Deed.CHANGE: "~",
    Deed.IMPORT: "=",
    Deed.ADD: "+",
    Deed.NOTE: "·",
}
_SEVERE = frozenset({Deed.DELETE, Deed.REPLACE, Deed.PERHAPS, Deed.UNKNOWN})


def marker(environment: str, stacks: Iterable[str]) -> str:
    """The first line of the comment, by which it is found again: one for each environment and its stacks."""
    identity = "\n".join((environment, *sorted(stacks)))
    return f"<!-- deploy-coordinator plan {hashlib.sha256(identity.encode()).hexdigest()[:24]} -->"


def plan_page(
    plan: Plan,
    *,
    title: str,
    links: Links,
    estimate: Estimate | None = None,
    notes: Sequence[str] = (),
    first_line: str = "",
    bytes_max: int = COMMENT_BYTES_MAX,
) -> str:
    """`title`: what people call the target. Of what is too long the end is left out, which is said; what
    would be lost, deleted and replaced comes first."""
    sections = [
        f"{first_line}\n### {_verdict(plan)}: {markdown(title, 120)}".lstrip(),
        _refused(plan),
        _losses(plan),
        _facts(plan, links, estimate),
        _sentences(notes),
        _overview(plan, bytes_max // 2),
        *(_details(one) for one in plan.resources if one.change.properties),
    ]
    sections = [section for section in sections if section]
    rest = "The rest was left out; the job's summary has all of it."
    kept: list[str] = []
    size = len(rest) + 2
    for section in sections:
        size += len(section.encode("utf-8", "replace")) + 2
        if size > bytes_max:
            kept.append(rest)
            break
        kept.append(section)
    return "\n\n".join(kept) + "\n"


def counted(plan: Plan) -> str:
    """`1 replaced, 2 changed`, the most severe first."""
    return ", ".join(f"{count} {deed.value}" for deed, count in plan.counts.items())


def _verdict(plan: Plan) -> str:
    if plan.refused:
        return "✗ No plan could be made"
    if not plan.resources:
        return "✓ Plan: nothing to change"
    words = ", ".join(
        f"**{count} {deed.value}**" if deed in _SEVERE else f"{count} {deed.value}"
        for deed, count in plan.counts.items()
    )
    return f"{'⚠' if _SEVERE & set(plan.counts) else '✓'} Plan, {words}"


def _refused(plan: Plan) -> str:
    return code_block(plan.refused) if plan.refused else ""


def _losses(plan: Plan) -> str:
    guarded = plan.guarded
    found = []
    if guarded.lost:
        found.append(_alert("CAUTION", [f"This loses data: {one}." for one in guarded.lost]))
    said = guarded.sentences[len(guarded.lost) :]
    if said:
        found.append(_alert("NOTE", said))
    return "\n\n".join(found)


def _alert(kind: str, sentences: Sequence[str]) -> str:
    lines = [f"> - {prose(sentence, SENTENCE_MAX)}" for sentence in sentences[:SENTENCES_MAX]]
    if len(sentences) > SENTENCES_MAX:
        lines.append(f"> - and {len(sentences) - SENTENCES_MAX} more")
    return "\n".join([f"> [!{kind}]", *lines])


def _facts(plan: Plan, links: Links, estimate: Estimate | None) -> str:
    facts = []
    if plan.new:
        facts.append(f"New: {', '.join(code(name) for name in plan.new[:10])}")
    if estimate is not None and plan.resources:
        low, high = duration(estimate.low_seconds), duration(estimate.high_seconds)
        facts.append(f"Expected to take about {duration(estimate.mid_seconds)} ({low} to {high})")
    if links.commit:
        facts.append(f"Commit {link(code(links.commit_id[:7]), links.commit)}")
    if links.run:
        facts.append(link("Run", links.run))
    return " · ".join(facts)


def _sentences(notes: Sequence[str]) -> str:
    if not notes:
        return ""
    lines = [f"- {prose(note, SENTENCE_MAX)}" for note in notes[:SENTENCES_MAX]]
    if len(notes) > SENTENCES_MAX:
        lines.append(f"- and {len(notes) - SENTENCES_MAX} more: the log has them all")
    return "\n".join(lines)


def _overview(plan: Plan, bytes_max: int) -> str:
    """As many resources as `bytes_max` allows, the most severe first."""
    resources = plan.resources
    if not resources:
        return ""
    several = len({one.path for one in resources}) > 1
    rows = [
        [
            f"{SIGNS[one.deed]} {f'**{one.deed.value}**' if one.deed in _SEVERE else one.deed.value}",
            *[code(one.path)] * several,
            code(one.change.logical_id),
            code(one.change.resource_type),
            _why(one),
        ]
        for one in resources
    ]
    shown = 0
    for row in rows:
        bytes_max -= sum(len(cell.encode("utf-8", "replace")) + 3 for cell in row) + 2
        if bytes_max < 0:
            break
        shown += 1
    more = len(rows) - shown
    tail = f"\n\nAnd {more} more resources: the job's summary has them." if more else ""
    return table(["", *["Stack"] * several, "Resource", "Type", "Because of"], rows[:shown]) + tail


def _why(one: PlannedResource) -> str:
    """The properties that make it so, and what keeps the resource that goes."""
    change = one.change
    names = [_short(part.path) for part in _causing(change)] if change.action == "Modify" else []
    words = ", ".join(code(name, 80) for name in names[:4]) + (
        f" and {len(names) - 4} more" if len(names) > 4 else ""
    )
    kept = f"kept by {code(one.kept)}" if one.kept else ""
    drifted = "drifted" if change.drift in {"MODIFIED", "DELETED"} else ""
    return "; ".join(part for part in (words, kept, drifted) if part)


def _causing(change: Change) -> Sequence[PropertyChange]:
    """Those that replace the resource, where it is replaced."""
    if change.replacement in {"True", "Conditional"}:
        forced = [part for part in change.properties if part.recreation in {"Always", "Conditionally"}]
        if forced:
            return forced
    return change.properties


def _short(path: str) -> str:
    return path.removeprefix("/Properties/")


def _details(one: PlannedResource) -> str:
    change = one.change
    rows = [_property_row(part) for part in change.properties[:PROPERTIES_MAX]]
    more = len(change.properties) - PROPERTIES_MAX
    tail = f"\n\nAnd {more} more properties." if more > 0 else ""
    name = f"{one.path}/{change.logical_id}"
    title = f"{SIGNS[one.deed]} <code>{_html(name)}</code> is {one.deed.value}"
    return folded(title, table(["Property", "Before", "After", ""], rows) + tail)


def _property_row(part: PropertyChange) -> list[str]:
    replaces = {"Always": "**replaces**", "Conditionally": "perhaps replaces"}.get(part.recreation, "")
    cause = f"follows {code(part.cause, 100)}" if part.cause else ""
    actual = f"by hand now {_value(part.actual)}" if part.actual is not None else ""
    return [
        code(_short(part.path), 200),
        _value(part.before),
        _value(part.after),
        "; ".join(word for word in (replaces, cause, actual) if word),
    ]


def _value(text: str | None) -> str:
    if text is None:
        return ""
    if text == LATER:
        return "*known after it is deployed*"
    return code(text.replace(LATER, "(known later)"), VALUE_SHOWN) or "*empty*"


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
