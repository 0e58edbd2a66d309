"""The checks before a deployment, from a laptop or a job of their own."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deploy_action.cli import NOT_FOUND, checkout
from deploy_action.cli.common import (
    UsageError,
    as_json,
    echo,
    github_token,
    region_option,
    registry_token,
    say_json,
    warn,
)
from deploy_action.common.escape import log_text
from deploy_action.github.run_context import run_context
from deploy_action.inputs.settings import Mode, parse_inputs
from deploy_action.preflight import text as render
from deploy_action.preflight.finding import Level, softened

if TYPE_CHECKING:
    from deploy_action.common.ports import Clock
    from deploy_action.preflight.finding import Finding

INPUTS = {
    "template": "A template in this folder, or its https:// address.",
    "parameter-overrides": "Parameters: KEY=VALUE,…, JSON, YAML or file://path.",
    "capabilities": "Such as CAPABILITY_IAM.",
    "environment": "The name of the target; it names the lock.",
    "lock": "The lock's own name.",
    "role-arn": "The role that CloudFormation assumes.",
    "command": "The command that deploys; it is not run.",
    "slack-channel": "The channel for messages; the token is read from $SLACK_BOT_TOKEN.",
}
SECONDS_MAX = 20.0
"""No deployment waits behind these checks, so they get more time."""


def _with_inputs(command: Any) -> Any:
    for name, words in reversed(INPUTS.items()):
        command = click.option(f"--{name}", default="", help=words)(command)
    return command


@click.command()
@click.argument("stacks", nargs=-1, metavar="[STACK...]")
@region_option
@click.option(
    "--inputs",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A JSON file of the action's inputs by name; options win over it.",
)
@_with_inputs
@click.option("--delete-rolled-back-stack", is_flag=True, help="As the action's input.")
@click.option(
    "--registry",
    default=lambda: os.environ.get("DEPLOY_COORDINATOR_REGISTRY") or "",
    show_default="$DEPLOY_COORDINATOR_REGISTRY, else github",
    help="As the action's input.",
)
@click.option("--repository", metavar="OWNER/NAME", default=lambda: os.environ.get("GITHUB_REPOSITORY", ""))
@as_json
@click.pass_obj
def command(
    clock: Clock,
    /,
    stacks: tuple[str, ...],
    *,
    region: str,
    file: Path | None,
    delete_rolled_back_stack: bool,
    registry: str,
    repository: str,
    machine: bool,
    **given: str,
) -> int:
    """Look for what would make a deployment fail, before it begins. Nothing is locked or changed.

    It takes the action's inputs, as options or as a JSON file. It ends with 0, or with 1 where the deployment
    is certain to fail; warnings and notes do not count.
    """
    from deploy_action.job.preflight import checks_of, preflight_of
    from deploy_action.wiring import Wiring

    inputs = _read(file) if file is not None else {}
    inputs |= {name.replace("_", "-"): value for name, value in given.items() if value}
    if stacks:
        inputs["stack-name"] = "\n".join(stacks)
    if delete_rolled_back_stack:
        inputs["delete-rolled-back-stack"] = "true"
    if registry:
        inputs["registry"] = registry
    if not inputs.get("template") and not inputs.get("command"):
        inputs.setdefault("mode", "watch")
    inputs.setdefault("github-token", github_token())
    inputs.setdefault("registry-token", registry_token(inputs.get("registry", ""), os.environ))
    inputs.setdefault(
        "slack-bot-token", os.environ.get("SLACK_BOT_TOKEN", "") if "slack-channel" in inputs else ""
    )
    environ = {
        **os.environ,
        **checkout.environment(os.environ),
        "AWS_REGION": region,
        "GITHUB_REPOSITORY": repository,
        "DEPLOY_COORDINATOR_INPUTS": json.dumps(inputs),
    }
    environ.setdefault("GITHUB_WORKSPACE", ".")
    settings = parse_inputs(environ)
    checks = checks_of(settings, Wiring(settings, run_context(environ), environ), clock, environ, probe=True)
    preflight = preflight_of(checks)
    preflight.start()
    preflight.wait(SECONDS_MAX)
    found = preflight.take()
    found = render.in_order(
        [*(found if settings.mode is Mode.TEMPLATE else softened(found)), *preflight.give_up()]
    )
    _tell(found, checks.identity(), machine=machine)
    return NOT_FOUND if any(one.level is Level.BLOCKING for one in found) else 0


def _read(file: Path) -> dict[str, str]:
    """Raises WrongWords."""
    try:
        data = json.loads(file.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"--inputs: {file} is not JSON ({error}).") from error
    if not isinstance(data, dict) or not all(isinstance(value, str | bool) for value in data.values()):
        raise UsageError(f"--inputs: {file} is no JSON object of texts.")
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in data.items()}


def _tell(found: list[Finding], who: str, *, machine: bool) -> None:
    if machine:
        say_json([{**asdict(one), "level": one.level.value} for one in found])
        return
    if who:
        warn(f"As {who}.")
    for one in found:
        click.echo(f"{one.level.value:<9} {one.code}: {log_text(one.what)}")
        if one.remedy:
            echo(one.remedy, indent=10)
    echo(f"Preflight: {render.counted(found)}.")
