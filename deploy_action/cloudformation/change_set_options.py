"""Options of a change set beyond its template, and settings of a stack beside it."""

from __future__ import annotations

from dataclasses import dataclass

POLICY_BYTES_MAX = 16_384
"""Source: StackPolicyBody in the CloudFormation API reference."""


@dataclass(frozen=True, slots=True)
class RollbackTrigger:
    """A CloudWatch alarm that rolls the stack back. `type`: its CloudFormation type."""

    arn: str
    type: str = "AWS::CloudWatch::Alarm"


@dataclass(frozen=True, slots=True)
class ChangeSetOptions:
    """None leaves on the stack what it has; an empty list takes it away."""

    name: str = ""
    """The name of the change set: the end of its name, whose beginning tells whose it is."""
    include_nested_stacks: bool = False
    import_existing_resources: bool = False
    notification_arns: tuple[str, ...] | None = None
    rollback_triggers: tuple[RollbackTrigger, ...] | None = None
    monitoring_minutes: int | None = None
    """How long CloudFormation watches the triggers after it has changed everything."""
    revert_drift: bool = False
    """Also bring back what somebody changed outside of CloudFormation."""


NO_OPTIONS = ChangeSetOptions()


@dataclass(frozen=True, slots=True)
class StackSettings:
    """Settings that no change set carries."""

    termination_protection: bool | None = None
    """None leaves it as it is."""
    policy: str = ""
    """The stack policy, as JSON; empty leaves it as it is."""

    @property
    def given(self) -> bool:
        return self.termination_protection is not None or bool(self.policy)


NO_SETTINGS = StackSettings()
