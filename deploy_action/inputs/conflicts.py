"""Inputs that work with `template` only, given beside another way to deploy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.inputs.table import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TEMPLATE_ONLY = tuple(one for one in TABLE.values() if one.only_for_template)
_INSTEAD = {
    "delete-rolled-back-stack": ": let your command delete such a stack, or run `deploy-coordinator cleanup "
    "STACK` once."
}


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
