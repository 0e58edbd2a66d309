"""Completion in a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from deploy_action.cli.app import PROGRAM

VARIABLE = "_DEPLOY_COORDINATOR_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """The script that completes words; in ~/.bashrc: eval "$(deploy-coordinator completion bash)"."""
    found = get_completion_class(shell)
    if found is not None:
        click.echo(found(ctx.find_root().command, {}, PROGRAM, VARIABLE).source())
