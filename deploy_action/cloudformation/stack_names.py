"""Names of stacks that somebody may have meant."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.cloudformation.stacks import StackRef, StackState

NAMES_MAX = 5
_ALIKE = 0.6


def unmatched_sentence(wanted: StackRef, existing: Sequence[StackState], since: float | None) -> str:
    """The remark about a `stack-name` that names no stack. `since`: what changed from then on (unix seconds
    of CloudFormation) may be what was deployed instead; None where that is not known."""
    pattern = wanted.name.strip("*?").lower()
    names = list(dict.fromkeys(state.ref.short_name for state in existing))
    changed = [s.ref.short_name for s in existing if since is not None and s.changed_at >= since]
    by_lower = {name.lower(): name for name in reversed(names)}
    alike = [by_lower[found] for found in get_close_matches(pattern, by_lower, NAMES_MAX, _ALIKE)]
    alike += [name for name in names if pattern and pattern in name.lower() and name not in alike]
    what = "No stack matches" if wanted.is_glob else "There is no stack"
    parts = [f"{what} `{wanted.name}` in {wanted.region}, so nothing of it was watched."]
    if changed:
        parts.append(f"Changed meanwhile, unwatched: {_listed(changed)}.")
    elif alike:
        parts.append(f"Names like it: {_listed(alike)}.")
    parts.append("Correct `stack-name`, or its region, if another stack is meant.")
    return " ".join(parts)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES_MAX} more" if len(names) > NAMES_MAX else ""
    return f"{', '.join(names[:NAMES_MAX])}{more}"
