"""The templates that are about to be deployed, as far as they are at hand: for what depends on what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.template_graph import template_of
from deploy_action.cloudformation.template_parser import parse_template
from deploy_action.common.background_call import BackgroundCall
from deploy_action.inputs.settings import Mode

if TYPE_CHECKING:
    from deploy_action.cloudformation.ports import TemplateSource
    from deploy_action.cloudformation.stacks import StackRef
    from deploy_action.cloudformation.template_graph import Template
    from deploy_action.inputs.settings import Settings

PATIENCE_SECONDS = 2.0
"""Of real time, for CloudFormation's answer."""
ASKED_MAX = 5
"""Stacks of a command whose templates are asked for."""


class Templates:
    """Nothing here raises: an estimate does without, and so does who may not call `GetTemplate`."""

    def __init__(self, source: TemplateSource, settings: Settings) -> None:
        self._source = source
        body = settings.template_body
        self._own = BackgroundCall(lambda: _parsed(body), "template") if body else None
        plain = [stack for stack in settings.stacks if not stack.is_glob]
        asked = plain[:ASKED_MAX] if settings.mode is Mode.COMMAND else []
        self._asked = {
            stack: BackgroundCall(lambda stack=stack: self._read(stack), "template")  # type: ignore[misc]
            for stack in asked
        }

    @property
    def own(self) -> Template | None:
        """The template in the workspace; None where there is none, or macros make something else of it."""
        found = _answer(self._own) if self._own is not None else None
        return found if found is not None and not found.transformed else None

    def planned(self, stack: StackRef, change_set: str) -> Template | None:
        """The template that a change set (ARN) deploys. Waits for an answer where there is no own one."""
        return self.own or _answer(BackgroundCall(lambda: self._read(stack, change_set), "template"))

    def before(self, stack: StackRef) -> Template | None:
        """The template of a stack before a command changes it: most of it stays."""
        asked = self._asked.get(stack)
        return _answer(asked) if asked is not None else None

    def _read(self, stack: StackRef, change_set: str = "") -> Template | None:
        return _parsed(self._source.template(stack, change_set))


def _parsed(body: object) -> Template | None:
    return template_of(body if isinstance(body, dict) else parse_template(str(body)))


def _answer(asked: BackgroundCall[Template | None]) -> Template | None:
    try:
        return asked.result(PATIENCE_SECONDS)
    except Exception:  # noqa: BLE001 - whatever it is, an estimate does without
        return None
