"""Names of the inputs, and what a name that is none of them was meant to be.

The runner warns of an input that action.yml does not declare and passes it on all the same; it compares names
without regard to case (source: actions/runner, ActionRunner.cs).
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from deploy_action.inputs.table import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMES = frozenset(name for name, one in TABLE.items() if one.description)
"""Of action.yml."""
NAMES_OF_STEP = {
    "lock": frozenset(name for name, one in TABLE.items() if one.lock_description),
    "release": frozenset(name for name, one in TABLE.items() if one.release_description),
}
"""Of lock/action.yml and release/action.yml."""
ALIASES = {alias: name for name, one in TABLE.items() for alias in one.aliases}
WITHOUT_COUNTERPART = {
    "aws-region": "write `REGION/NAME` as `stack-name`, or set AWS_REGION",
    "http-proxy": "set HTTPS_PROXY in the job's `env:`",
    "max-attempts": "set AWS_MAX_ATTEMPTS in the job's `env:`",
    "no-delete-failed-changeset": "a change set that failed is deleted after its reason is shown",
    "region": "write `REGION/NAME` as `stack-name`, or set AWS_REGION",
}
"""The replacements of inputs of aws-actions/aws-cloudformation-github-deploy and the like."""


def unknown_inputs(given: Iterable[str], step: str) -> list[str]:
    """One sentence for each name that the action does not have; none in steps that come later.

    A `lock` step reads its inputs from INPUT_* variables, which the job may have of its own, and a `release`
    must not fail without need: there a name counts only where it is close to one that exists.
    """
    known = NAMES if step == "pre" else NAMES_OF_STEP.get(step)
    if known is None:
        return []
    unknown = sorted(name for name in given if name not in known)
    return [
        f"`{name[:100]}` is not an input. {_advice(name, known)}"
        for name in unknown
        if step == "pre" or _meant(name, known)
    ]


def _meant(name: str, known: frozenset[str]) -> str:
    usual = name.lower().replace("_", "-")
    near = get_close_matches(usual, sorted(known), n=1, cutoff=0.7)
    meant = ALIASES.get(usual) or (near[0] if near else "")
    return meant if meant in known else ""


def _advice(name: str, known: frozenset[str]) -> str:
    replacement = WITHOUT_COUNTERPART.get(name.lower().replace("_", "-"))
    if replacement:
        return f"Take it away: {replacement}."
    meant = _meant(name, known)
    return f"Did you mean `{meant}`?" if meant else "Take it away; docs/reference.md lists all inputs."
