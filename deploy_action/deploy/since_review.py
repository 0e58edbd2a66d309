"""The reviewed plan beside the present one: the differences, and the refusal that shows them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.cloudformation.change_set import ChangeSetRequest, Parameter
from deploy_action.cloudformation.stacks import Verdict, verdict_of
from deploy_action.cloudformation.template_parser import parse_template
from deploy_action.cloudformation.template_tree import BODY_BYTES_MAX
from deploy_action.common.times import iso
from deploy_action.deploy.request import request_of
from deploy_action.deploy.trial import trial
from deploy_action.errors import CoordinatorError, PlanOutdated, StackSourceError
from deploy_action.locking.stack_activity import executed_by
from deploy_action.plan import difference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.cloudformation.change_set import ChangeSet
    from deploy_action.cloudformation.client import CloudFormation
    from deploy_action.cloudformation.stacks import StackRef, StackState
    from deploy_action.inputs.settings import Settings
    from deploy_action.job.context import JobContext


@dataclass(frozen=True, slots=True)
class Target:
    """A change set that was reviewed. `lines`: what it was to change, as the registry remembers it; `role`:
    the service role that it was made with, None where that is not known."""

    ref: StackRef
    arn: str
    lines: tuple[str, ...] = ()
    role: str | None = None


@dataclass(frozen=True, slots=True)
class SinceReview:
    """`settings`: those of now. Nothing of it locks or changes anything."""

    job: JobContext
    source: CloudFormation
    settings: Settings
    correlation_id: str

    def differences(self, target: Target, change_set: ChangeSet, state: StackState | None) -> tuple[str, ...]:
        """Between the change set and `template` with its inputs: () without `template`, which alone says what
        would be planned now. Values that CloudFormation does not show are named in the log."""
        settings = self.settings
        if not settings.template:
            return ()
        hidden = difference.not_compared(change_set)
        if hidden:
            names = ", ".join(hidden[:10])
            self.job.reporter.line(f"Not compared, since CloudFormation hides their values: {names}.")
        now = request_of(settings, "", of=self.correlation_id)
        lines = difference.of_tags(change_set, settings.tags)
        lines += difference.of_settings(change_set, now, target.role)
        template: object = {}
        if settings.template_body:
            reviewed = self.source.template(target.ref, change_set.arn, original=True)
            try:
                template = parse_template(settings.template_body)
                then = reviewed if isinstance(reviewed, dict) else parse_template(str(reviewed))
                lines += difference.of_templates(then, template)
            except ValueError as error:
                lines += (f"template: it cannot be compared, since {error}",)
        else:
            self.job.reporter.line(f"Not compared, since it stands at an address: {settings.template}.")
        exists = state is not None and verdict_of(state.status) is not Verdict.NONE
        others = difference.others_of(template, state.parameters if state is not None and exists else {})
        return difference.of_parameters(change_set, settings.parameters, others) + lines

    def outdated(self, target: Target, why: str, reviewed: ChangeSet | None = None) -> PlanOutdated:
        """With who changed the stack since, and what a plan would do now. `reviewed`: the change set, where
        it is still there."""
        ref = target.ref
        state = self._state(ref)
        since = ""
        if state is not None and verdict_of(state.status) is not Verdict.NONE:
            by = executed_by(state)
            since = f" The stack was changed at {iso(state.changed_at)}{f' by {by}' if by else ''}."
        lines: tuple[str, ...] = ()
        if ref.name:
            try:
                request = self._request(ref, reviewed)
                if request is not None:
                    lines = difference.of_changes(target.lines, self._planned_now(request))
            except CoordinatorError as error:
                lines = (f"Could not find out the present plan: {error.what}",)
            lines += self._executed_since(target, state)
        named = f" of stack {ref}" if ref.name else ""
        return _error(f"The reviewed change set{named} cannot be executed any more: {why}.{since}", lines)

    def _state(self, ref: StackRef) -> StackState | None:
        try:
            return self.source.describe(ref) if ref.name else None
        except StackSourceError:
            return None

    def _request(self, ref: StackRef, reviewed: ChangeSet | None) -> ChangeSetRequest | None:
        """By which CloudFormation tells the present plan: of `template`, else of the reviewed template, since
        a command plans only where it runs. None where neither is there."""
        if self.settings.template:
            return request_of(self.settings, "", of=self.correlation_id)
        if reviewed is None:
            return None
        template = self.source.template(ref, reviewed.arn, original=True)
        text = template if isinstance(template, str) else json.dumps(template)
        if len(text.encode()) > BODY_BYTES_MAX:
            return None
        return ChangeSetRequest(
            ref,
            name="",
            token="",
            description=f"deploy-coordinator {self.correlation_id}",
            template_body=text,
            parameters=tuple(
                Parameter(name, None if value == difference.HIDDEN else value)
                for name, value in reviewed.parameters
            ),
            capabilities=reviewed.capabilities,
            tags=reviewed.tags or None,
        )

    def _planned_now(self, request: ChangeSetRequest) -> tuple[str, ...]:
        with trial(self.job, self.source, request, self.correlation_id) as change_set:
            changes = () if change_set.is_empty else change_set.changes
            return difference.summary_of(request.stack.short_name, changes)

    def _executed_since(self, target: Target, state: StackState | None) -> tuple[str, ...]:
        """Changes of the stack's last operation, where a change set tells it."""
        if state is None or state.change_set_arn in {"", target.arn}:
            return ()
        try:
            changes = self.source.change_set(target.ref, state.change_set_arn).changes
        except StackSourceError:
            return ()
        lines = difference.summary_of(target.ref.short_name, changes)
        return tuple(f"executed since: {line}" for line in lines[: difference.LINES_MAX])


def different(target: Target, lines: tuple[str, ...]) -> PlanOutdated:
    """For `differences`."""
    return _error(
        f"The reviewed change set of stack {target.ref} is not what would be deployed now: "
        f"{len(lines)} {'line differs' if len(lines) == 1 else 'lines differ'}.",
        lines,
    )


def overtaken(ref: StackRef, why: CoordinatorError) -> PlanOutdated:
    """Somebody who takes no lock began to work on the stack between the last look and the execution."""
    return _error(f"The reviewed change set of stack {ref} was not executed. {why.what}", ())


def _error(what: str, lines: Sequence[str]) -> PlanOutdated:
    error = PlanOutdated(
        f"{what} The difference begins with: {lines[0]}" if lines else what,
        why="`mode: apply` executes what was reviewed and nothing else. Nothing was changed.",
        remedy="Plan again and have that reviewed. Or set `when-outdated: plan`, which deploys a new plan.",
    )
    error.said = tuple(lines)
    return error
