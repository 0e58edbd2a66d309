"""The inputs about planned changes: whether they are only planned, applied as reviewed, or deployed, and what
becomes of resources with data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from deploy_action.inputs.fields import Fields
from deploy_action.inputs.mode import AskedMode, parse_mode

CHANGE_SETS_MAX = 50
_NAME = re.compile(r"[A-Za-z0-9][\w./-]{0,400}", re.ASCII)
_CHANGE_SET = re.compile(
    r"arn:[a-z-]{1,20}:cloudformation:[a-z0-9-]{1,40}:\d{12}:changeSet/[A-Za-z][A-Za-z0-9-]{0,127}/[\w-]{1,64}"
    r"|[A-Za-z][A-Za-z0-9-]{0,127}"
)


class Phase(Enum):
    """The parts of a deployment that are done."""

    DEPLOY = "deploy"
    PLAN = "plan"
    """Change sets are made and shown; nothing is locked or executed."""
    APPLY = "apply"
    """The change sets that were reviewed are executed."""


class OnDataLoss(Enum):
    """The treatment of a deployment that deletes or replaces resources with data."""

    WARN = "warn"
    STOP = "stop"


class KeepChangeSet(Enum):
    """Whether the change sets of a plan stay, to be applied later."""

    AUTO = "auto"
    """Of stacks that exist. One of a new stack would leave an empty stack behind."""
    ALWAYS = "always"
    NEVER = "never"


class WhenOutdated(Enum):
    """The treatment of a reviewed plan that is not what would be deployed now."""

    STOP = "stop"
    PLAN = "plan"
    """It is planned anew and deployed, as `mode: deploy` does."""


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """The parts of a deployment that are done, and its permissions for existing resources."""

    phase: Phase = Phase.DEPLOY
    on_data_loss: OnDataLoss = OnDataLoss.WARN
    allow_data_loss: tuple[str, ...] = ()
    """Logical ids, or `STACK/LOGICAL-ID`, of resources whose data may go."""
    keep_change_set: KeepChangeSet = KeepChangeSet.AUTO
    when_outdated: WhenOutdated = WhenOutdated.STOP
    change_sets: tuple[str, ...] = ()
    """To apply: ARNs, or names; empty: what the registry remembers."""
    revert_drift: bool = False
    comment: bool = True
    """Comment the plan on its pull request."""

    @property
    def plans(self) -> bool:
        return self.phase is Phase.PLAN

    @property
    def applies(self) -> bool:
        return self.phase is Phase.APPLY


class PlanFields(Fields):
    """Problems are collected."""

    def _plan(self) -> PlanSettings:
        asked = self._checked("mode", parse_mode, None)
        template, command = bool(self._text("template")), bool(self._text("command"))
        phase = {AskedMode.PLAN: Phase.PLAN, AskedMode.APPLY: Phase.APPLY}.get(asked or AskedMode.DEPLOY)
        phase = phase or Phase.DEPLOY
        on_data_loss = self._choice("data-loss", OnDataLoss)
        if command and phase is Phase.DEPLOY and on_data_loss is OnDataLoss.STOP:
            self._problem(
                "`data-loss: stop` cannot stop a `command`, which executes what it plans. Deploy with "
                "`template`, or with `mode: plan` and `mode: apply`."
            )
        default = KeepChangeSet.ALWAYS if self._text("mode").lower() == "create-only" else None
        settings = PlanSettings(
            phase,
            on_data_loss,
            self._allowed(),
            keep_change_set=self._choice("keep-change-set", KeepChangeSet, default),
            when_outdated=self._choice("when-outdated", WhenOutdated),
            change_sets=self._change_sets(),
            revert_drift=self._checked("deployment-mode", _deployment_mode, default=False),
            comment=self._boolean("plan-comment"),
        )
        self._check_phase(settings, template=template, command=command)
        return settings

    def _check_phase(self, settings: PlanSettings, *, template: bool, command: bool) -> None:
        if settings.applies and command:
            self._problem(
                "`mode: apply` executes the change sets that were planned, and runs no command. "
                "Take `command` away."
            )
        if settings.change_sets and not settings.applies:
            self._problem("`execute-change-set-id` is for `mode: apply`.")
        if settings.when_outdated is WhenOutdated.PLAN and not (settings.applies and template):
            self._problem(
                "`when-outdated: plan` plans anew from `template` in `mode: apply`; give both, or take it "
                "away."
            )
        if settings.revert_drift and not template:
            self._problem(
                "`deployment-mode` works with `template` only; pass it to your own command instead."
            )

    def _allowed(self) -> tuple[str, ...]:
        names = self._words("allow-data-loss")
        for name in names:
            if not _NAME.fullmatch(name):
                self._problem(
                    f"`allow-data-loss`: `{name[:100]}` is no logical id (`Table`, or `shop/Table`)."
                )
        return names

    def _change_sets(self) -> tuple[str, ...]:
        words = self._words("execute-change-set-id")
        for word in words:
            if not _CHANGE_SET.fullmatch(word):
                self._problem(f"`execute-change-set-id`: `{word[:100]}` is no change set's ARN or name.")
        if len(words) > CHANGE_SETS_MAX:
            self._problem(f"`execute-change-set-id` names more than {CHANGE_SETS_MAX} change sets.")
        return words

    def _words(self, name: str) -> tuple[str, ...]:
        """By line, space or comma."""
        lines = self._lines(name)
        return tuple(dict.fromkeys(word for line in lines for word in re.split(r"[\s,]+", line) if word))


def _deployment_mode(text: str) -> bool:
    """Whether drift is reverted. Raises ValueError."""
    if text.lower().replace("_", "-") != "revert-drift":
        raise ValueError(f"`{text}` is not `revert-drift`.")
    return True
