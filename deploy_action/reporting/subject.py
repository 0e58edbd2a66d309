"""The name of one deployment among many, the same wherever it is told: `shop → production`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.common.escape import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

STACKS_MAX = 3
NAME_MAX = 128
"""CloudFormation's own limit for the name of a stack."""


def subject(stacks: Sequence[str], environment: str) -> str:
    """Stacks and environment as one line of text from outside, not escaped yet; empty where neither is known.

    No sequence for a terminal is in it: one without an end would take along what stands behind the name.
    """
    names = [name for name in (one_line(stack, NAME_MAX) for stack in dict.fromkeys(stacks)) if name]
    shown = names if len(names) <= STACKS_MAX else names[: STACKS_MAX - 1]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    place = one_line(environment, NAME_MAX)
    return " → ".join(part for part in (f"{', '.join(shown)}{more}", place) if part)
