"""Is the lock still held: for a script, between two things that it changes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from deploy_action.cli.common import RegistrySession, UsageError, echo, warn, with_registry
from deploy_action.errors import LockLost
from deploy_action.locking.delegation import nonces_of

if TYPE_CHECKING:
    from deploy_action.locking.document import Ticket

TICKET = "DEPLOY_COORDINATOR_TICKET"
EPOCH = "DEPLOY_COORDINATOR_EPOCH"
TOKENS = "DEPLOY_COORDINATOR_LOCK_TOKENS"


@click.command()
@click.option(
    "--token",
    default=lambda: os.environ.get(TICKET) or os.environ.get(TOKENS) or "",
    show_default=f"${TICKET}, else ${TOKENS}",
    help="Of the hold: the `lock-token` of a `lock` step. A watched command has its own in its environment.",
)
@with_registry
def command(desk: RegistrySession, *, token: str) -> int:
    """Whether this job still holds its lock. Ask before each stack that a script changes.

    Exit code 0 where it does, 5 where somebody took it or nobody knows of it, 8 where the registry cannot be
    used: then nobody can say.
    """
    tokens = token.split()
    if not tokens:
        raise UsageError(f"Which lock? Give --token, or ${TICKET} as a watched command has it.")
    document = desk.document()
    epoch = os.environ.get(EPOCH, "")
    for one in tokens:
        nonces = nonces_of(one)
        ticket = next((held for held in map(document.ticket, nonces) if held is not None), None)
        if ticket is None or not _holds(ticket, epoch if one == os.environ.get(TICKET) else ""):
            line = next((left for left in map(document.farewell, nonces) if left is not None), None)
            warn(f"The lock is not held any more. {line.note if line is not None else ''}".strip())
            return LockLost.exit_code
        echo(f"The lock {', '.join(ticket.locks)} is held (epoch {ticket.epoch}).")
    return 0


def _holds(ticket: Ticket, epoch: str) -> bool:
    return ticket.holding and (not epoch or str(ticket.epoch) == epoch)
