"""The changes that a template would make, from two templates alone: what parameters change is not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.change_set import Change
from deploy_action.cloudformation.template_graph import template_of

if TYPE_CHECKING:
    from collections.abc import Mapping


def changes_between(old: object, new: object) -> tuple[Change, ...] | None:
    """None where either is no template, or macros make something else of it."""
    before, after = template_of(old), template_of(new)
    if before is None or after is None or before.transformed or after.transformed:
        return None
    was, is_ = _resources(old), _resources(new)
    changes = [
        Change(
            "Modify" if name in before.types else "Add",
            name,
            type_,
            replacement=_replaced(before.types, name, type_),
        )
        for name, type_ in after.types.items()
        if was.get(name) != is_[name]
    ]
    gone = [Change("Remove", name, type_) for name, type_ in before.types.items() if name not in after.types]
    return tuple(changes + gone)


def _replaced(before: Mapping[str, str], name: str, type_: str) -> str:
    return "True" if before.get(name, type_) != type_ else ""


def _resources(data: object) -> Mapping[str, object]:
    """Without what people and tools write beside a resource."""
    found = data.get("Resources") if isinstance(data, dict) else None
    if not isinstance(found, dict):
        return {}
    return {
        name: {key: value for key, value in body.items() if key != "Metadata"}
        for name, body in found.items()
        if isinstance(body, dict)
    }
