"""Why the command failed, in its own words."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from deploy_action.common.escape import plain
from deploy_action.common.masks import Masks, masked_by, secrets_in
from deploy_action.deploy.change_set_failure import refused_since
from deploy_action.diagnosis.command_output import LINE_MAX, last_words, telling_lines
from deploy_action.diagnosis.remedies import remedy_for
from deploy_action.errors import CommandFailed, StackSourceError
from deploy_action.job.job_log import optional

if TYPE_CHECKING:
    from deploy_action.deploy.deployment import Deployment

TAIL_MAX = 20
"""At most this many of its last lines stand in the summary."""


def failed_command(deployment: Deployment, code: int, *, seen: bool, since: float | None) -> CommandFailed:
    """The error of a command that ended with `code` while no stack failed, as far as that was `seen`.
    `since`: when it began, by CloudFormation's clock."""
    lines = optional(deployment.reporter, "Reading the command's output", lambda: _readable(deployment)) or ()
    said = telling_lines(lines) or tuple(filter(None, [last_words(lines)]))
    refusals = _refusals(deployment, since)
    remedy = remedy_for(said[0]) if said else None
    return CommandFailed(
        code,
        said,
        remedy=remedy.advice if remedy is not None else "",
        seen=seen,
        refusals=refusals,
        tail=tuple(line[:LINE_MAX] for line in lines if line.strip())[-TAIL_MAX:],
    )


def _refusals(deployment: Deployment, since: float | None) -> tuple[str, ...]:
    """CloudFormation's objections to a change set of the command: tools show its first line alone."""
    settings = deployment.settings
    with suppress(StackSourceError):
        return refused_since(deployment.cloudformation, settings.stacks, since)
    return ()


def _readable(deployment: Deployment) -> list[str]:
    """Its last lines; secrets are hidden in them."""
    settings, environ = deployment.settings, deployment.job.environ
    lines = deployment.job.folder.command_tail()
    masks = Masks(
        [
            *secrets_in(environ),
            *masked_by(lines),
            settings.slack_bot_token,
            settings.slack_webhook_url,
            settings.webhook_url,
        ]
    )
    return [masks.hide(part) for line in lines for part in plain(line).split("\n")]
