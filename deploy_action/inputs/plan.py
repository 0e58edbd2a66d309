"""The inputs about planned changes: what becomes of resources with data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from deploy_action.inputs.fields import Fields

_NAME = re.compile(r"[A-Za-z0-9][\w./-]{0,400}", re.ASCII)


class OnDataLoss(Enum):
    """The treatment of a deployment that deletes or replaces resources with data."""

    WARN = "warn"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """The changes that a deployment may make to existing resources."""

    on_data_loss: OnDataLoss = OnDataLoss.WARN
    allow_data_loss: tuple[str, ...] = ()
    """Logical ids, or `STACK/LOGICAL-ID`, of resources whose data may go."""


class PlanFields(Fields):
    """Problems are collected."""

    def _plan(self, *, by_command: bool) -> PlanSettings:
        """`by_command`: the deployment is made by a tool that nobody can stop between plan and execution."""
        on_data_loss = self._choice("data-loss", OnDataLoss, OnDataLoss.WARN)
        if by_command and on_data_loss is OnDataLoss.STOP:
            self._problem(
                "`data-loss: stop` cannot stop a `command`, which executes what it plans. Deploy with "
                "`template`."
            )
        return PlanSettings(on_data_loss, self._allowed())

    def _allowed(self) -> tuple[str, ...]:
        names = [
            name for line in self._lines("allow-data-loss") for name in re.split(r"[\s,]+", line) if name
        ]
        for name in names:
            if not _NAME.fullmatch(name):
                self._problem(
                    f"`allow-data-loss`: `{name[:100]}` is no logical id (`Table`, or `shop/Table`)."
                )
        return tuple(dict.fromkeys(names))
