"""The steps of a clean-up after a failure, for the job log and the summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.common.escape import code_block, log_text, prose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.cleanup.plan import CleanupStep

TITLE = "To clean up"
STEPS_MAX = 12


def lines(steps: Sequence[CleanupStep]) -> list[str]:
    """For a log or a terminal, harmless as they are; () where there is nothing to do."""
    if not steps:
        return []
    told = [f"{TITLE}:"]
    for step in steps[:STEPS_MAX]:
        told.append(f"  - {log_text(step.what, 600)}")
        told.append(f"      {log_text(step.command, 900)}")
        if step.danger:
            told.append(f"      Beware: {log_text(step.danger, 300)}")
    if len(steps) > STEPS_MAX:
        told.append(f"  and {len(steps) - STEPS_MAX} more: `deploy-coordinator cleanup` shows them")
    return told


def section(steps: Sequence[CleanupStep]) -> str:
    """For the summary, as Markdown; empty where there is nothing to do."""
    if not steps:
        return ""
    parts = [f"**{TITLE}**"]
    for number, step in enumerate(steps[:STEPS_MAX], 1):
        danger = f" **Beware.** {prose(step.danger)}" if step.danger else ""
        parts.append(f"{number}\\. {prose(step.what)}{danger}")
        parts.append(code_block(step.command))
    return "\n\n".join(parts)
