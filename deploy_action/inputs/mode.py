"""The input `mode`: whether a step deploys, only plans, applies what was planned, only watches, or only asks
for the lock's state. And the inputs that are for one way to deploy, given beside another.

An expression of something that is not set is empty, so an empty `template` and `command` alone never say that
somebody wants to watch.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from deploy_action.inputs.table import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


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
TEMPLATE_ONLY = tuple(one for one in TABLE.values() if one.only_for_template)
_INSTEAD = {
    "delete-rolled-back-stack": ": let your command delete such a stack, or run `deploy-coordinator cleanup "
    "STACK` once."
}
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


def template_only(raw: Mapping[str, str], switched_on: Callable[[str], bool]) -> list[str]:
    """A sentence for each. `switched_on` reads a boolean input by name."""
    problems = []
    for one in TEMPLATE_ONLY:
        if one.is_switch and switched_on(one.name):
            problems.append(f"`{one.name}` works with `template` only{_INSTEAD.get(one.name, '.')}")
        elif not one.default and raw.get(one.name):
            problems.append(f"`{one.name}` works with `template` only; pass it to your own command instead.")
    if "cancel-update" in {raw.get(name, "").lower() for name in ("on-cancel", "on-timeout")}:
        problems.append(
            "`cancel-update` works with `template` only: of a command's updates nobody knows whose they are."
        )
    return problems
