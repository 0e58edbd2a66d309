"""The verdict in one line, the same wherever it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.outcome import Outcome
from deploy_action.common.escape import one_line
from deploy_action.common.times import duration
from deploy_action.reporting.outcome_words import Ending, ending_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.reporting.report import Report

DESCRIPTION_MAX = 140


def headline(report: Report, escape: Callable[[str], str]) -> str:
    """`escape` makes the names harmless for the place where the line is shown."""
    what = report.subject or "deployment"
    ending = ending_of(
        report.outcome,
        deleted=report.deleted,
        teardown=report.teardown,
        timed_out=report.timed_out,
        not_started=report.not_started,
    )
    timed = report.duration_seconds is not None and ending not in {Ending.BUSY, Ending.NOT_STARTED}
    took = f" in {duration(report.duration_seconds or 0)}" if timed else ""
    words = ending.value
    label = words.label
    if report.outcome is Outcome.NO_CHANGES and report.command_exit_code == 0:
        label = "No watched stack changed"
    return f"{words.sign} {label}: {escape(what)}{took}"


def description(report: Report) -> str:
    """For a deployment on GitHub's environments page: plain text of up to 140 characters."""
    return one_line(headline(report, one_line), DESCRIPTION_MAX)
