"""Inputs that work with `template` only, given beside another way to deploy."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


PASSED_ON = (
    "parameter-overrides",
    "capabilities",
    "tags",
    "role-arn",
    "s3-bucket",
    "s3-prefix",
    "change-set-name",
    "notification-arns",
    "rollback-triggers",
    "monitoring-time-in-minutes",
    "termination-protection",
    "stack-policy",
)
SWITCHES = (
    "no-execute-changeset",
    "fail-on-empty-changeset",
    "disable-rollback",
    "include-nested-stacks",
    "import-existing-resources",
)


def template_only(raw: Mapping[str, str], switched_on: Callable[[str], bool]) -> list[str]:
    """A sentence for each. `switched_on` reads a boolean input by name."""
    problems = [
        f"`{name}` works with `template` only; pass it to your own command instead."
        for name in PASSED_ON
        if raw.get(name)
    ]
    problems += [f"`{name}` works with `template` only." for name in SWITCHES if switched_on(name)]
    if switched_on("delete-rolled-back-stack"):
        problems.append(
            "`delete-rolled-back-stack` works with `template` only: let your command delete such a "
            "stack, or run `deploy-coordinator cleanup STACK` once."
        )
    if "cancel-update" in {raw.get(name, "").lower() for name in ("on-cancel", "on-timeout")}:
        problems.append(
            "`cancel-update` works with `template` only: of a command's updates nobody knows whose they are."
        )
    return problems
