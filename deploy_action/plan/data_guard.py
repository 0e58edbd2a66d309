"""Which resources with data a deployment would delete or replace, and whether that stops it.

CloudFormation says in `PolicyAction` what becomes of the physical resource, by the policies in the template.
A resource of which it does not say that is taken as lost, and so is one of which it does not know yet whether
it is replaced: a database that perhaps goes is one to ask about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.errors import DataAtRisk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deploy_action.cloudformation.change_set import Change

TABLE = "data-resources.tsv"
NESTED_STACK = "AWS::CloudFormation::Stack"
NAMED_MAX = 5
_KEEPING = frozenset({"Retain", "RetainExceptOnCreate", "Snapshot"})


@dataclass(frozen=True, slots=True)
class AtRisk:
    """A resource with data that does not stay as it is. `stack`: the name of the root stack, with the logical
    ids of nested ones behind it. `deed`: what happens to it, in words. `kept`: the policy that keeps its data
    (`Retain`, `Snapshot`); empty where nothing does."""

    stack: str
    logical_id: str
    resource_type: str
    holds: str
    deed: str
    kept: str = ""
    physical_id: str = ""

    @property
    def name(self) -> str:
        return f"{self.stack}/{self.logical_id}"

    def __str__(self) -> str:
        physical = f", `{self.physical_id}`" if self.physical_id else ""
        return f"`{self.name}` ({self.resource_type}, {self.holds}{physical}) {self.deed}"


@dataclass(frozen=True, slots=True)
class Guarded:
    """The findings of the guard: `lost` is nobody's word against, `allowed` is named in `allow-data-loss`,
    `kept` keeps its data by a policy. `unused`: names that allow nothing."""

    lost: tuple[AtRisk, ...] = ()
    allowed: tuple[AtRisk, ...] = ()
    kept: tuple[AtRisk, ...] = ()
    unused: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """The findings, most urgent first."""
        said = [f"This deployment loses data: {one}." for one in self.lost]
        said += [f"As `allow-data-loss` permits, {one}." for one in self.allowed]
        said += [f"{one}; `{one.kept}` keeps its data." for one in self.kept]
        said += [
            f"`allow-data-loss` names `{name}`, which is neither deleted nor replaced."
            for name in self.unused
        ]
        return tuple(said)


def parse_data_types(table: str) -> dict[str, str]:
    """The kind of data of each resource type, from the lines of the table."""
    rows = (line.partition("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return {name: holds for name, _, holds in rows}


def at_risk(stack: str, changes: Iterable[Change], data_types: Mapping[str, str]) -> tuple[AtRisk, ...]:
    """`stack`: its name, see `AtRisk`. Nested stacks that go as a whole are looked at by `at_risk_in`."""
    found = []
    for change in changes:
        holds = data_types.get(change.resource_type)
        deed = deed_of(change)
        if holds is not None and deed:
            policy = change.policy_action.removeprefix("ReplaceAnd")
            found.append(
                AtRisk(
                    stack,
                    change.logical_id,
                    change.resource_type,
                    holds,
                    deed,
                    policy if policy in _KEEPING else "",
                    change.physical_id,
                )
            )
    return tuple(found)


def deed_of(change: Change) -> str:
    """The fate of the existing resource, in words; empty where it stays."""
    if change.action == "Remove":
        return "is deleted"
    if change.action == "Dynamic":
        return "is perhaps deleted or replaced"
    if change.action == "Modify" and change.replacement == "True":
        return "is replaced"
    if change.action == "Modify" and change.replacement == "Conditional":
        return "is perhaps replaced"
    return ""


def loses_nested_stack(change: Change) -> bool:
    """A nested stack goes with all that is in it, or perhaps, of which no change set tells."""
    return change.resource_type == NESTED_STACK and bool(deed_of(change))


def not_looked_into(stack: str, logical_id: str) -> AtRisk:
    """A nested stack that changes, and whose change set could not be read."""
    return AtRisk(stack, logical_id, NESTED_STACK, "what changes in it could not be read", "may lose data")


def at_risk_in(
    stack: str, template: object, data_types: Mapping[str, str], *, perhaps: bool = False
) -> tuple[AtRisk, ...] | None:
    """Of a stack that goes as a whole, or `perhaps`, by its template as data; None where that is none. What
    is nested still deeper counts as data: nobody looked at it."""
    deed = f"is {'perhaps ' if perhaps else ''}deleted with its stack"
    resources = template.get("Resources") if isinstance(template, dict) else None
    if not isinstance(resources, dict):
        return None
    found = []
    for name, body in resources.items():
        if str(name).startswith("Fn::"):
            found.append(AtRisk(stack, str(name), "", "what a macro makes", deed))
            continue
        type_ = body.get("Type") if isinstance(body, dict) else None
        holds = "what is in it" if type_ == NESTED_STACK else data_types.get(str(type_))
        if holds is not None and isinstance(body, dict):
            policy = str(body.get("DeletionPolicy", ""))
            kept = policy if policy in _KEEPING else ""
            found.append(AtRisk(stack, str(name), str(type_), holds, deed, kept))
    return tuple(found)


def judge(found: Iterable[AtRisk], allowed: Iterable[str]) -> Guarded:
    """`allowed`: logical ids, or those with the stack in front (`shop/Table`, `shop/Child/Table`)."""
    names = tuple(dict.fromkeys(allowed))
    found = tuple(found)
    used = {name for name in names for one in found if name in {one.name, one.logical_id}}
    at_stake = tuple(one for one in found if not one.kept)
    permitted = tuple(one for one in at_stake if used & {one.name, one.logical_id})
    return Guarded(
        lost=tuple(one for one in at_stake if one not in permitted),
        allowed=permitted,
        kept=tuple(one for one in found if one.kept),
        unused=tuple(name for name in names if name not in used),
    )


def refusal(guarded: Guarded, *, locked: bool) -> DataAtRisk:
    """For `data-loss: stop`. `locked`: the lock is held already."""
    lost = guarded.lost
    named = "; ".join(str(one) for one in lost[:NAMED_MAX])
    more = f"; and {len(lost) - NAMED_MAX} more" if len(lost) > NAMED_MAX else ""
    return DataAtRisk(
        f"This deployment would lose data: {named}{more}.",
        why=f"`data-loss: stop` asks to stop then. Nothing was {'' if locked else 'locked or '}changed.",
        remedy="Keep it by `DeletionPolicy: Retain` and `UpdateReplacePolicy: Retain`, or undo what replaces "
        "it. If its data may go, name it in `allow-data-loss`. docs/plan.md says how to decide.",
    )
