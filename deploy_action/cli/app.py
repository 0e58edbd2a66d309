"""The commands by name. A command is imported when it is called, so that each starts as fast as it can."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

from deploy_action import __version__
from deploy_action.cli import EXIT_CODES
from deploy_action.common.escape import log_text

PROGRAM = "deploy-coordinator"
COMMANDS = {
    "run": ("run:command", "Deploy from this machine: under the lock, watched and remembered"),
    "active": ("locks:active", "List locks: holders, queue, freezes"),
    "queue": ("locks:queue", "List the deployments that wait for a lock, in order"),
    "watch": ("watch:command", "Watch a stack's operation live"),
    "history": ("history:history", "List deployments with outcome and estimate"),
    "show": ("history:show", "Show one deployment in full"),
    "dashboard": ("dashboard:command", "Write a page about all deployments: how often, how fast, how well"),
    "freeze": ("locks:freeze", "Keep a lock from being granted for a while"),
    "promote": ("locks:promote", "Make a waiting deployment the next one"),
    "unfreeze": ("locks:unfreeze", "Lift freezes"),
    "release": ("locks:release", "Take a lock or a place in the queue away"),
    "fence": ("fence:command", "Check that the lock is still held, between two stacks of a script"),
    "slack-queue": ("queue:command", "List and retry messages to Slack or a webhook that were not delivered"),
    "demo": ("demo:command", "Play three deployments, without an account, from a clone of the repository"),
    "preflight": ("preflight:command", "Find what would make a deployment fail, before it begins"),
    "cleanup": ("cleanup:command", "Clean up after a failed deployment"),
    "doctor": ("doctor:command", "Check everything that a deployment needs"),
    "estimate": ("estimate:command", "Estimate how long a deployment of a stack takes"),
    "collect": ("collect:command", "Seed the history from CloudFormation's own events"),
    "completion": ("completion:command", "Print the completion script for bash, zsh or fish"),
}
"""Name to `module:attribute` and one line for the list of commands."""
SLACK_QUEUE = frozenset({"list", "process", "retry", "drop"})
"""Subcommands that `queue` had before it was the deployments' own."""
ALIASES = {
    "deploy": "run",
    "describe": "show",
    "get": "active",
    "list": "active",
    "locks": "active",
    "lock": "freeze",
    "log": "history",
    "logs": "watch",
    "ls": "active",
    "ps": "active",
    "status": "active",
    "tail": "watch",
    "unlock": "release",
    "wait": "queue",
}
"""Names that other tools have for the same."""


class Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: Any = getattr(import_module(f"deploy_action.cli.{module}"), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 - a slip of ours, found by the first test
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name == "queue" and args[1:] and args[1] in SLACK_QUEUE:
            click.echo(f"`queue {args[1]}` is `slack-queue {args[1]}` now.", err=True)
            return super().resolve_command(ctx, ["slack-queue", *args[1:]])
        if name not in COMMANDS and not name.startswith("-"):
            meant = ALIASES.get(name) or next(iter(get_close_matches(name, COMMANDS, n=1, cutoff=0.6)), "")
            hint = f" Did you mean `{meant}`?" if meant else f" `{PROGRAM} --help` lists them."
            ctx.fail(f"There is no command `{log_text(name, 60)}`.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])
        with formatter.section("Exit codes"):
            formatter.write_dl(list(EXIT_CODES.items()))


@click.command(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
def app() -> None:
    """Coordinate, watch and explain CloudFormation deployments.

    `COMMAND --help` shows more.
    """
