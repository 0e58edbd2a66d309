"""The facts that the checks learn from AWS, in the product's own terms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy_action.cloudformation.stacks import StackRef


@dataclass(frozen=True, slots=True)
class Session:
    """Whose credentials these are. `expires` is unix seconds; None where it is not known or never."""

    account: str
    arn: str
    expires: float | None = None
    their_time: float | None = None
    """AWS's clock as it answered, unix seconds."""


@dataclass(frozen=True, slots=True)
class NoSession:
    """There are no credentials, or none that AWS takes. `what` is one sentence. `remedy`: where a setting of
    this machine or job keeps AWS from being asked at all."""

    what: str
    expired: bool = False
    their_time: float | None = None
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class StackFacts:
    """A stack as it is. `status` is empty where there is none."""

    ref: StackRef
    status: str = ""
    reason: str = ""
    protected: bool = False
    parent_id: str = ""
    parameters: frozenset[str] = frozenset()

    @property
    def is_new(self) -> bool:
        """Everything in it will be made: there is nothing, or nothing but a name."""
        return self.status in {"", "REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "DELETE_COMPLETE"}


@dataclass(frozen=True, slots=True)
class Declared:
    """A parameter of the template. `default` is None where it has none."""

    name: str
    type: str = "String"
    default: str | None = None
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """A template as CloudFormation sums it up."""

    parameters: tuple[Declared, ...] = ()
    capabilities: tuple[str, ...] = ()
    reason: str = ""
    """Why it needs the capabilities."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """CloudFormation's own words against a template."""

    message: str


@dataclass(frozen=True, slots=True)
class Repository:
    """The registry's repository, as GitHub describes it. `status` is HTTP's; `may_write` None where it does
    not say; `their_time` is GitHub's clock, unix seconds."""

    status: int
    may_write: bool | None = None
    their_time: float | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Quota:
    """How much of something there may be and is, in one account and region."""

    limit: float
    used: int


@dataclass(frozen=True, slots=True)
class Context:
    """The facts about the template's surroundings: values of parameters and pseudo parameters by name, and
    the resources that the stack has, physical id by logical one."""

    stack: StackFacts
    values: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, str] = field(default_factory=dict)
