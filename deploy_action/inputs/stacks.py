"""The inputs that name stacks and stack sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.region import default_region
from deploy_action.cloudformation.stacks import StackRef, account_of_arn, parse_stack_ref
from deploy_action.inputs.fields import Fields
from deploy_action.monitoring.stack_sets import StackSetRef, parse_stack_set

if TYPE_CHECKING:
    from collections.abc import Mapping


class StackFields(Fields):
    """Problems are collected."""

    def __init__(self, raw: Mapping[str, str], environ: Mapping[str, str], step: str) -> None:
        super().__init__(raw, environ, step)
        self._region = default_region(environ)
        self._account = ""
        """That an ARN names; empty where none does."""

    def _stacks(self, *, template: bool, needed: bool) -> tuple[StackRef, ...]:
        """`template`: a template is deployed, to one stack. `needed`: nothing goes without any."""
        stacks: list[StackRef] = []
        accounts: set[str] = set()
        for line in self._lines("stack-name"):
            try:
                stacks.append(parse_stack_ref(line, self._region))
                accounts.add(account_of_arn(line))
            except ValueError as error:
                self._problem(f"`stack-name`: {error}")
        self._account = max(accounts, default="")
        if len(accounts - {""}) > 1:
            self._problem("`stack-name` names stacks of several accounts, and a job deploys to one.")
        if needed and not self._lines("stack-name") and not self._lines("stack-set"):
            self._problem("`stack-name` is missing: name the stack to deploy or watch, one a line.")
        if len(set(stacks)) != len(stacks):
            self._problem("`stack-name` names one stack twice.")
        if template and (len(stacks) > 1 or any(stack.is_glob for stack in stacks)):
            self._problem(
                "`stack-name` must name exactly one stack, without `*`, where `template` is given; "
                "use `command` for several."
            )
        return tuple(stacks)

    def _stack_sets(self, *, template: bool) -> tuple[StackSetRef, ...]:
        found: list[StackSetRef] = []
        for line in self._lines("stack-set"):
            try:
                found.append(parse_stack_set(line, self._region))
            except ValueError as error:
                self._problem(f"`stack-set`: {error}")
        if found and template:
            self._problem("`stack-set` is for `command` and `mode: watch`; `template` deploys one stack.")
        return tuple(dict.fromkeys(found))
