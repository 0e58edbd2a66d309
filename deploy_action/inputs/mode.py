"""The input `mode`: whether a step deploys, only plans, applies what was planned, only watches, or only asks
for the lock's state.

An expression of something that is not set is empty, so an empty `template` and `command` alone never say that
somebody wants to watch.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from deploy_action.inputs.table import TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping


class AskedMode(Enum):
    """The input `mode`. How it is deployed follows from `template` and `command`."""

    DEPLOY = "deploy"
    PLAN = "plan"
    APPLY = "apply"
    WATCH = "watch"
    ASK = "ask"


OFFICIAL_MODES = {
    "create-and-execute": AskedMode.DEPLOY,
    "create-only": AskedMode.PLAN,
    "execute-only": AskedMode.APPLY,
}
"""Values of `mode` in aws-actions/aws-cloudformation-github-deploy, and what they mean here."""
MEAN_DEPLOYMENT = tuple(
    one for one in TABLE.values() if one.ways and {"template", "command"}.issuperset(one.ways)
)
"""Inputs that nobody gives who wants to watch only."""
WATCHES_ONLY = (
    "Nothing is deployed: `template` and `command` are empty, so this step only watches. If that is meant, "
    "give `mode: watch`; the next major version requires it."
)


def parse_mode(text: str) -> AskedMode:
    """Raises ValueError with a sentence for people."""
    word = text.lower()
    if word in OFFICIAL_MODES:
        return OFFICIAL_MODES[word]
    if word not in {mode.value for mode in AskedMode}:
        raise ValueError(f"`{text}` is none of {', '.join(mode.value for mode in AskedMode)}.")
    return AskedMode(word)


def without_way(asked: AskedMode | None, inputs: Mapping[str, str]) -> str:
    """The mistake where `template` and `command` are empty; empty where watching may be meant."""
    empty = "`template` and `command` are empty, so nothing would be deployed"
    advice = "Give one of them. Is an expression such as `${{ vars.NAME }}` empty?"
    if asked in {AskedMode.DEPLOY, AskedMode.PLAN}:
        return f"`mode: {asked.value}`: {empty}. {advice}"
    for one in MEAN_DEPLOYMENT:
        if inputs.get(one.name, "").lower() not in {"", "0", "no", "false", one.default}:
            return f"{empty}, although `{one.name}` is given. {advice} To only watch, give `mode: watch`."
    return ""
