"""Findings before a deployment, in the job log and the summary. Escaping is the log's and the page's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.preflight.finding import Level, ordered

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deploy_action.preflight.finding import Finding

_WORDS = {Level.BLOCKING: "blocking", Level.WARNING: "warning", Level.NOTE: "note"}


def in_order(found: Iterable[Finding]) -> list[Finding]:
    """Other deployments first, then the most urgent."""
    return sorted(ordered(found), key=lambda one: not one.code.startswith("lock-"))


def counted(found: Sequence[Finding]) -> str:
    """`1 blocking, 2 warnings, 1 note`; `nothing to report`."""
    counts = [(level, sum(one.level is level for one in found)) for level in Level]
    told = [
        f"{count} {_WORDS[level]}{'s' if count != 1 and level is not Level.BLOCKING else ''}"
        for level, count in counts
        if count
    ]
    return ", ".join(told) or "nothing to report"


def headline(
    found: Sequence[Finding], correlation_id: str, *, who: str, seconds: float, complete: bool
) -> str:
    about = f" ({who})" if who else ""
    rest = "" if complete else "; some checks still run"
    return f"Preflight {correlation_id}{about}: {counted(found)} after {seconds:.1f} s{rest}."


def line(finding: Finding, correlation_id: str) -> str:
    """Each with the id, so that a search for it finds all of them."""
    return f"Preflight {correlation_id} {_WORDS[finding.level]} {finding.code}: {finding.sentence}"


def note(finding: Finding) -> str:
    """For the summary."""
    return f"Preflight, {_WORDS[finding.level]} {finding.code}: {finding.sentence}"
