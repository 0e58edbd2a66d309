"""What a caller hands in for a stack."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.fakes.cloudformation.resources import Definition
    from tests.fakes.cloudformation.templates import Template


@dataclass(frozen=True)
class Version:
    """What a caller handed in for a stack: template, parameters and settings."""

    template: Template
    parameters: dict[str, str]
    definitions: dict[str, Definition]
    tags: dict[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    notification_arns: tuple[str, ...] = ()
    role_arn: str | None = None
    rollback: dict[str, Any] = field(default_factory=dict)
    """As `RollbackConfiguration`."""
    disable_rollback: bool = False
    on_failure: str = "ROLLBACK"
    timeout_minutes: int | None = None
    retain_except_on_create: bool = False

    def with_rollback(self, disabled: bool) -> Version:
        return replace(self, disable_rollback=disabled)
