"""Names of the inputs, and what a name that is none of them was meant to be.

The runner warns of an input that action.yml does not declare and passes it on all the same; it compares names
without regard to case (source: actions/runner, ActionRunner.cs).
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMES = frozenset(
    {
        "webhook-format",
        "webhook-url",
        "allow-data-loss",
        "capabilities",
        "command",
        "commit",
        "data-loss",
        "delete-rolled-back-stack",
        "deployment-mode",
        "disable-rollback",
        "environment",
        "environment-url",
        "execute-change-set-id",
        "expect-changes-within",
        "fail-on-empty-changeset",
        "github-deployment",
        "github-token",
        "image",
        "keep-change-set",
        "lock",
        "lock-token",
        "diagnose-services",
        "log",
        "mode",
        "no-execute-changeset",
        "on-cancel",
        "on-older",
        "on-timeout",
        "parameter-overrides",
        "plan-comment",
        "preflight",
        "priority",
        "queue-policy",
        "registry",
        "role-arn",
        "runtime",
        "slack-alert-channel",
        "slack-api-url",
        "slack-bot-token",
        "slack-channel",
        "slack-events",
        "slack-mentions",
        "slack-outputs",
        "slack-webhook-url",
        "stack-name",
        "stack-set",
        "stall-after-in-minutes",
        "tags",
        "template",
        "timeout-in-minutes",
        "version",
        "wait-timeout-in-minutes",
        "when-busy",
        "when-outdated",
        "when-registry-away",
        "on-lost-lock",
        "working-directory",
        "change-set-name",
        "import-existing-resources",
        "include-nested-stacks",
        "monitoring-time-in-minutes",
        "notification-arns",
        "rollback-triggers",
        "s3-bucket",
        "s3-prefix",
        "stack-policy",
        "termination-protection",
    }
)
"""Of action.yml."""
NAMES_OF_STEP = {
    "lock": frozenset(
        {
            "environment",
            "github-token",
            "hold",
            "image",
            "job-id",
            "job-matrix",
            "job-status",
            "job-workflow-ref",
            "lock",
            "priority",
            "queue-policy",
            "registry",
            "runtime",
            "stack-name",
            "wait-timeout-in-minutes",
            "when-busy",
            "when-registry-away",
            "on-lost-lock",
            "when-superseded",
        }
    ),
    "release": frozenset(
        {
            "github-token",
            "image",
            "lock-token",
            "registry",
            "runtime",
        }
    ),
}
"""Of lock/action.yml and release/action.yml."""

ALIASES = {
    "include-nested-stacks-change-set": "include-nested-stacks",
    "cwd": "working-directory",
    "env": "environment",
    "look-behind": "diagnose-services",
    "name": "stack-name",
    "parameters": "parameter-overrides",
    "run": "command",
    "script": "command",
    "stack": "stack-name",
    "stacks": "stack-name",
    "template-body": "template",
    "template-file": "template",
    "template-url": "template",
    "timeout": "timeout-in-minutes",
    "timeout-minutes": "timeout-in-minutes",
    "token": "github-token",
    "wait-timeout": "wait-timeout-in-minutes",
}
"""Names that other actions give the same thing."""
WITHOUT_COUNTERPART = {
    "aws-region": "write `REGION/NAME` as `stack-name`, or set AWS_REGION",
    "http-proxy": "set HTTPS_PROXY in the job's `env:`",
    "max-attempts": "set AWS_MAX_ATTEMPTS in the job's `env:`",
    "no-delete-failed-changeset": "a change set that failed is deleted after its reason is shown",
    "region": "write `REGION/NAME` as `stack-name`, or set AWS_REGION",
}
"""The replacements of inputs of aws-actions/aws-cloudformation-github-deploy and the like."""


def unknown_inputs(given: Iterable[str], step: str) -> list[str]:
    """One sentence for each name that the action does not have; none in steps that come later.

    A `lock` step reads its inputs from INPUT_* variables, which the job may have of its own, and a `release`
    must not fail without need: there a name counts only where it is close to one that exists.
    """
    known = NAMES if step == "pre" else NAMES_OF_STEP.get(step)
    if known is None:
        return []
    unknown = sorted(name for name in given if name not in known)
    return [
        f"`{name[:100]}` is not an input. {_advice(name, known)}"
        for name in unknown
        if step == "pre" or _meant(name, known)
    ]


def _meant(name: str, known: frozenset[str]) -> str:
    usual = name.lower().replace("_", "-")
    near = get_close_matches(usual, sorted(known), n=1, cutoff=0.7)
    meant = ALIASES.get(usual) or (near[0] if near else "")
    return meant if meant in known else ""


def _advice(name: str, known: frozenset[str]) -> str:
    replacement = WITHOUT_COUNTERPART.get(name.lower().replace("_", "-"))
    if replacement:
        return f"Take it away: {replacement}."
    meant = _meant(name, known)
    return f"Did you mean `{meant}`?" if meant else "Take it away; docs/reference.md lists all inputs."
