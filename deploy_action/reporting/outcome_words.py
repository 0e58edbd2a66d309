"""How a deployment ended, in the words of every surface: log, terminal, summary, environments page, Slack."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from deploy_action.cloudformation.outcome import Outcome


@dataclass(frozen=True, slots=True)
class OutcomeWords:
    """`label` stands before a colon and the name; a sentence has `before` and `after` around the name."""

    sign: str
    label: str
    before: str
    after: str


class Ending(Enum):
    """An outcome, and what people have to know beside it to understand it."""

    SUCCEEDED = OutcomeWords("✅", "Deployed", "", "is deployed")
    NO_CHANGES = OutcomeWords("✅", "Nothing to change", "", "needed no changes")
    DELETED = OutcomeWords("✅", "Deleted", "", "is deleted")
    NOT_DELETED = OutcomeWords("❌", "Not deleted", "", "could not be deleted")
    FAILED = OutcomeWords("❌", "Failed", "", "failed")
    ROLLED_BACK = OutcomeWords("❌", "Failed and rolled back", "", "failed and was rolled back")
    BUSY = OutcomeWords("🚧", "Busy, not deployed", "", "is busy, not deployed")
    SKIPPED = OutcomeWords("⏭️", "Skipped", "", "was skipped")
    CANCELLED = OutcomeWords("🛑", "Cancelled", "", "was cancelled")
    UNKNOWN = OutcomeWords("❓", "Outcome unknown", "Outcome unknown:", "")
    TIMED_OUT = OutcomeWords("⌛", "Did not end in time", "", "did not end in time")
    """It may still be running."""
    NOT_STARTED = OutcomeWords("🚫", "Not started", "Not started:", "")
    """Refused before anything was changed."""


def ending_of(
    outcome: Outcome,
    *,
    deleted: bool = False,
    teardown: bool = False,
    timed_out: bool = False,
    not_started: bool = False,
) -> Ending:
    """`deleted`, `teardown`: as in a report. `timed_out`: it did not end in its time, whatever became of it
    then."""
    if outcome is Outcome.SUCCEEDED and deleted:
        return Ending.DELETED
    if outcome.good:
        return Ending[outcome.name]
    if timed_out:
        return Ending.TIMED_OUT
    if not_started:
        return Ending.NOT_STARTED
    if teardown and outcome in {Outcome.FAILED, Outcome.ROLLED_BACK}:
        return Ending.NOT_DELETED
    return Ending[outcome.name]
