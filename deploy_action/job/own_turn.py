"""When a waiter's own turn may come: what the holder has left, and what those between usually take."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.locking.transitions import Waiting


def turn_seconds(waiting: Waiting, usual_seconds: Callable[[tuple[str, ...]], float | None]) -> float | None:
    """None where one of those ahead may take any time. `usual_seconds`: of a deployment of these stacks
    (`REGION/NAME`); None where that is not known."""
    holders = [one for one in waiting.ahead if one.holding]
    if waiting.left_seconds is None or len(holders) != 1 or waiting.freeze is not None:
        return None
    total = max(0.0, waiting.left_seconds)
    for one in waiting.ahead[1:]:
        seconds = usual_seconds(one.stacks) if one.stacks else None
        if seconds is None:
            return None
        total += seconds
    return total
