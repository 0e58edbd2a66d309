"""Lists locks, freezes them, and frees one by hand."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from deploy_action.cli import NOT_FOUND, checkout
from deploy_action.cli.common import (
    Checked,
    RegistrySession,
    UsageError,
    as_json,
    duration_word,
    echo,
    github_token,
    say_json,
    time_word,
    warn,
    whoever,
    with_reason,
    with_registry,
    with_utc,
)
from deploy_action.cli.teams import parse_allowed, with_members
from deploy_action.cli.text import tables
from deploy_action.common.escape import machine_json
from deploy_action.common.times import iso, unix_seconds
from deploy_action.github.run_context import run_context
from deploy_action.locking import admin as operators
from deploy_action.locking.codec import encode
from deploy_action.locking.lock_name import lock_key, parse_lock_name
from deploy_action.locking.stack_activity import revoke
from deploy_action.locking.transitions import ahead_of

if TYPE_CHECKING:
    from deploy_action.locking.document import Document, Ticket


@click.command()
@as_json
@with_utc
@with_registry
def active(desk: RegistrySession, *, machine: bool, utc: bool) -> None:
    """Lists holders of locks, the queue in its order, and freezes.

    --json prints the registry's whole document.
    """
    document = desk.document()
    if machine:
        click.echo(machine_json(encode(document).decode("utf-8", "replace")), nl=False)
        return
    for line in tables.active(document, at=iso(desk.clock.now()), utc=utc):
        click.echo(line)


@click.command()
@click.argument("lock", default="")
@as_json
@with_utc
@with_registry
def queue(desk: RegistrySession, *, lock: str, machine: bool, utc: bool) -> None:
    """The deployments that wait for LOCK, or for any lock, in the order in which they are served, and who is
    ahead of each.

    Messages to Slack or a webhook that were not delivered: `slack-queue`.
    """
    document = desk.document()
    key = lock_key(lock)
    waiting = [one for one in document.tickets if not one.holding and (not lock or key in one.keys)]
    ahead = {one.nonce: [it.correlation_id for it in ahead_of(document, one)] for one in waiting}
    if not machine:
        for line in tables.queue(waiting, ahead, utc=utc):
            click.echo(line)
        return
    say_json(
        [
            {
                "correlation_id": one.correlation_id,
                "locks": list(one.lock_texts),
                "stacks": list(one.stacks),
                "actor": one.actor,
                "requested_at": one.requested_at,
                "priority": one.priority or "normal",
                "ahead": ahead[one.nonce],
                "url": one.url,
            }
            for one in waiting
        ]
    )


@click.command()
@click.argument("locks", nargs=-1, required=True, metavar="LOCK...", type=Checked(parse_lock_name, "lock"))
@click.option("--until", type=Checked(time_word, "time"), help="An ISO 8601 time; UTC without a zone.")
@click.option("--for", "seconds", type=Checked(duration_word, "duration"), help="Such as 90m, 12h or 3d.")
@click.option(
    "--allow",
    multiple=True,
    metavar="ACTOR|WORKFLOW|TEAM",
    type=Checked(parse_allowed, "name"),
    help="Those who may deploy meanwhile: a GitHub login, a workflow file (deploy.yml), or @ORG/TEAM: "
    "its members as of now. May be given several times.",
)
@with_reason
@with_utc
@with_registry
def freeze(
    desk: RegistrySession,
    locks: tuple[str, ...],
    *,
    until: str | None,
    seconds: float | None,
    allow: tuple[str, ...],
    reason: str,
    by: str | None,
    utc: bool,
) -> None:
    """Grant the locks to nobody, until --until, for --for, or until somebody lifts it.

    Who holds one of them goes on; who waits goes on waiting. With --allow, those named deploy meanwhile,
    and go before those that wait; deployments by a version that does not know --allow wait all the same.
    """
    now = desk.clock.now()
    if until and seconds:
        raise UsageError("--until and --for: give one of them.")
    end = iso(now + seconds) if seconds else until or ""
    if end and (unix_seconds(end) or 0.0) <= now:
        raise UsageError(f"The end {end} is not in the future.")
    names = tuple(dict.fromkeys(locks))
    who, at = whoever(by), iso(now)
    run = run_context({**os.environ, **checkout.environment(os.environ)})
    allowed = with_members(allow, token=github_token(), api_url=run.api_url)

    def decide(document: Document) -> tuple[Document, Document]:
        new = operators.freeze(document, names, by=who, reason=reason, at=at, until=end, allow=allowed)
        return new, document

    before = desk.apply(decide, f"freeze {', '.join(names)} by {who}")
    but = f", for all but {', '.join(allowed)}" if allowed else ""
    shown = tables.shown_time(end, utc=utc)
    echo(f"Frozen {f'until {shown}' if end else 'until somebody lifts it'}{but}: {', '.join(names)}.")
    for name in names:
        earlier = before.lock(name).freeze
        if earlier is not None and not earlier.over(at):
            warn(f"Replaces the freeze of {name} {tables.frozen(earlier, utc=utc)}.")
    known = sorted({*before.locks, *(name for ticket in before.tickets for name in ticket.locks)})
    for name in names:
        holder = before.holder_of(name)
        if holder is not None:
            echo(f"Deployment {holder.correlation_id} holds {name} and goes on.")
        if lock_key(name) not in map(lock_key, known):
            told = f" Known: {', '.join(known)}." if known else ""
            warn(f"No deployment has used the lock {name} yet.{told}")


@click.command()
@click.argument("locks", nargs=-1, required=True, metavar="LOCK...")
@with_reason
@with_registry
def unfreeze(desk: RegistrySession, locks: tuple[str, ...], *, reason: str, by: str | None) -> int:
    """Lift the freezes of these locks."""
    names, who, at = tuple(dict.fromkeys(locks)), whoever(by), iso(desk.clock.now())

    def decide(document: Document) -> tuple[Document, list[str]]:
        new = operators.unfreeze(document, names, by=who, reason=reason, at=at)
        return new, [name for name in names if document.lock(name) != new.lock(name)]

    lifted = desk.apply(decide, f"unfreeze {', '.join(names)} by {who}")
    if lifted:
        echo(f"Lifted: {', '.join(lifted)}.")
    left = [name for name in names if name not in lifted]
    if left:
        warn(f"No freeze lies on: {', '.join(left)}.")
    return 0 if lifted else NOT_FOUND


@click.command()
@click.argument("deployment", metavar="CORRELATION-ID")
@with_reason
@with_registry
def promote(desk: RegistrySession, deployment: str, *, reason: str, by: str | None) -> int:
    """Make a deployment that waits the next one: before all others that wait, behind whoever holds the lock.

    Those it passes read who promoted it and why; the registry's audit keeps that.
    """
    who, at = whoever(by), iso(desk.clock.now())

    def decide(document: Document) -> tuple[Document, tuple[Ticket | None, list[str], bool]]:
        ticket = next((one for one in document.tickets if one.correlation_id == deployment), None)
        if ticket is None:
            return document, (None, [], False)
        new = operators.promote(document, ticket.nonce, by=who, reason=reason, at=at)
        ahead = [one.correlation_id for one in ahead_of(new, ticket)]
        return new, (ticket, ahead, new is not document)

    ticket, ahead, moved = desk.apply(decide, f"promote {deployment} by {who}")
    if ticket is None:
        warn(f"No deployment {deployment} waits; see `active`.")
        return NOT_FOUND
    if ticket.holding:
        warn(f"Deployment {deployment} holds its lock already.")
        return NOT_FOUND
    behind = f" Ahead of it: {', '.join(ahead)}." if ahead else ""
    echo(f"{'Promoted' if moved else 'Nobody to pass for'} {deployment}.{behind}")
    return 0


@click.command()
@click.argument("what", metavar="LOCK|CORRELATION-ID")
@click.option("--force", is_flag=True, required=True, help="Yes, although it is not mine.")
@click.option(
    "--holder",
    metavar="CORRELATION-ID",
    default="",
    help="Only if this deployment still holds it, as `active` showed; another one is left alone.",
)
@with_reason
@with_registry
def release(
    desk: RegistrySession,
    what: str,
    *,
    force: bool,  # noqa: ARG001
    holder: str,
    reason: str,
    by: str | None,
) -> int:
    """Take a lock away from its holder, or any deployment out of the queue.

    The next deployment waits until the stacks are at rest. Change sets that the deployment made and has
    not executed are deleted, as far as this shell's AWS credentials allow. What was taken away is audited
    with its reason.
    """
    who, at = whoever(by), iso(desk.clock.now())

    def decide(document: Document) -> tuple[Document, tuple[Ticket | None, int, list[str]]]:
        ticket, was_seen = operators.meant_for_release(document, what, holder=holder)
        waiting = sum(what in one.locks for one in document.tickets)
        if ticket is None or not was_seen:
            return document, (ticket, waiting, [])
        new = operators.force_release(document, ticket.nonce, by=who, reason=reason, at=at)
        return new, (ticket, waiting, [one.correlation_id for one in new.holders_of(what)])

    ticket, waiting, readers = desk.apply(decide, f"release {what} by force, by {who}")
    if ticket is None:
        queue = f" Waiting for it: {waiting}; see `active`." if waiting else ""
        warn(f"No deployment holds the lock {what}, and none has that id.{queue}")
        return NOT_FOUND
    if holder and ticket.correlation_id != holder:
        warn(f"Deployment {ticket.correlation_id} holds {what} by now, not {holder}: left as it is.")
        return NOT_FOUND
    names, stacks = ", ".join(ticket.locks), ", ".join(ticket.stacks)
    whose = f"{ticket.correlation_id} ({ticket.url or 'no link'})"
    if ticket.holding:
        rest = f" The next deployment waits until {stacks} is at rest." if stacks else ""
        echo(f"Took {names} away from {whose}.{rest}")
        if readers:
            warn(f"Others still read under {what}: {', '.join(readers)}. Each is released by itself.")
        _revoke(ticket)
    else:
        echo(f"Took {whose} out of the queue for {names}.")
    return 0


def _revoke(ticket: Ticket) -> None:
    """Should its owner only be paused, it can execute nothing any more."""
    if not ticket.stacks:
        return
    from deploy_action.cloudformation.aws_clients import AwsClients
    from deploy_action.cloudformation.client import CloudFormation

    if not revoke(CloudFormation(AwsClients()), ticket):
        warn("Its change sets that nobody executed could not be looked for: delete them in the console.")
