"""Messages that deployments could not tell Slack or a webhook: look at them, tell them, or let them go."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from deploy_action.cli import NOT_FOUND
from deploy_action.cli.common import (
    RegistrySession,
    UsageError,
    as_json,
    echo,
    say_json,
    warn,
    with_registry,
    with_utc,
)
from deploy_action.cli.text.tables import shown_time
from deploy_action.common.times import iso
from deploy_action.slack import retry_queue as leftovers
from deploy_action.slack import retry_queue_delivery as draining
from deploy_action.wiring import open_messenger, open_webhook

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.slack.outbox import Message
    from deploy_action.slack.ports import Messenger
    from deploy_action.slack.retry_queue import QueuedOutbox

SECONDS = 120.0
SECONDS_MAX = 200.0
"""Well before others take what we took for a dead one's."""


@click.group()
def command() -> None:
    """Messages to Slack or a webhook that deployments could not tell, kept beside the registry.

    The next deployment that tells the same Slack or webhook anything tells them, too. What failed for good,
    or too often, stays until somebody retries or drops it.
    """


@command.command("list")
@as_json
@with_utc
@with_registry
def list_(desk: RegistrySession, *, machine: bool, utc: bool) -> int:
    """Lists kept messages, the oldest deployment first, and why they were not delivered.

    Exit code 1 where anything is kept.
    """
    boxes = _read(desk)
    if machine:
        say_json([_record(left) for left in boxes])
        return NOT_FOUND if boxes else 0
    if not boxes:
        echo("No messages are left over.")
        return 0
    for left in boxes:
        taken_at, saved_at = (shown_time(iso(at), utc=utc) for at in (left.taken_at, left.saved_at))
        taken = f", taken by another at {taken_at}" if left.taken_by else ""
        echo(f"{left.name}  {left.repository or '-'}  kept at {saved_at}{taken}")
        for entry in left.box.pending:
            echo(f"  {entry.id}  waits  {_words(entry)}")
        for entry in left.box.dead:
            echo(f"  {entry.id}  dead   {_words(entry)}")
    return NOT_FOUND


@command.command()
@click.option(
    "--seconds",
    type=click.FloatRange(1, SECONDS_MAX),
    default=SECONDS,
    show_default=True,
    help="At most so long.",
)
@click.option(
    "--channel",
    "channels",
    multiple=True,
    metavar="ID",
    help="Only in this channel; several may be given. Default: all channels of the messages.",
)
@as_json
@with_registry
def process(desk: RegistrySession, *, seconds: float, channels: tuple[str, ...], machine: bool) -> int:
    """Tell Slack, or the webhook, what waits.

    With the bot token in $SLACK_BOT_TOKEN, else the webhook in $SLACK_WEBHOOK_URL; $SLACK_API_URL is Slack's
    address where it is another one. And with the webhook in $WEBHOOK_URL, as the input `webhook-url`. Only
    what the same token or webhook was to tell, and with a token what belongs to --repository: others may mean
    another workspace. Exit code 1 where something of that still waits or failed for good.
    """
    ways = _ways(desk.repository, channels)
    others = [left for left in _read(desk) if left.box.pending and not _told_by(ways, left)]
    waiting = sum(len(left.box.pending) for left in others)
    told = draining.Drained()
    for sender, messenger_of in ways:
        one = draining.drain(
            desk.registry, desk.clock, messenger_of, sender=sender, seconds=seconds / len(ways)
        )
        told = told.with_more(one)
    if machine:
        say_json(
            {
                "sent": told.sent,
                "waiting": told.pending,
                "failed": told.dead,
                "others": waiting,
                "troubles": list(told.troubles),
            }
        )
    else:
        echo(f"Delivered {told.sent} messages; {told.pending} are pending, {told.dead} failed for good.")
        for sentence in told.troubles:
            warn(sentence)
        if waiting:
            names = ", ".join(sorted({left.repository or "(none)" for left in others}))
            warn(
                f"{waiting} more of {names}: to be sent with another token or webhook, or in another "
                "channel. Use that one; where a bot token was changed, name the repository in --repository."
            )
    return NOT_FOUND if told.pending or told.dead else 0


Way = tuple[leftovers.Sender, "Callable[[str], Messenger]"]


def _ways(repository: str, channels: tuple[str, ...]) -> list[Way]:
    """Of the environment: to Slack, and to a webhook. Raises UsageError where there is none."""
    token, slack, api_url, other = (
        os.environ.get(name, "").strip()
        for name in ("SLACK_BOT_TOKEN", "SLACK_WEBHOOK_URL", "SLACK_API_URL", "WEBHOOK_URL")
    )
    ways: list[Way] = []
    if token or slack:
        sender = leftovers.sender(repository=repository, token=token, webhook_url=slack, channels=channels)
        ways.append(
            (sender, lambda name: open_messenger(name, token=token, webhook_url=slack, api_url=api_url))
        )
    if other:
        sender = leftovers.sender(repository=repository, token="", webhook_url=other)
        ways.append((sender, lambda _name: open_webhook(other)))
    if not ways:
        raise UsageError(
            "Give a bot token in $SLACK_BOT_TOKEN, or a webhook in $SLACK_WEBHOOK_URL or $WEBHOOK_URL."
        )
    return ways


def _told_by(ways: list[Way], left: QueuedOutbox) -> bool:
    return any(sender.may_tell(left) for sender, _ in ways)


@command.command()
@click.argument("names", nargs=-1, metavar="ID...")
@click.option("--all", "every", is_flag=True, help="All that failed.")
@with_registry
def retry(desk: RegistrySession, *, names: tuple[str, ...], every: bool) -> int:
    """Let messages that failed for good wait again, by their ids or by those of their deployments."""
    _check(names, every=every)
    desk.document()
    count = leftovers.revive(desk.registry, desk.clock, names)
    echo(f"{count} messages wait again; `slack-queue process` or the next deployment sends them.")
    return 0 if count else NOT_FOUND


@command.command()
@click.argument("names", nargs=-1, metavar="ID...")
@click.option("--all", "every", is_flag=True, help="Everything that is kept.")
@with_registry
def drop(desk: RegistrySession, *, names: tuple[str, ...], every: bool) -> int:
    """Let messages go, by their ids or by those of their deployments."""
    _check(names, every=every)
    desk.document()
    count = leftovers.drop(desk.registry, desk.clock, names)
    echo(f"Dropped {count} messages.")
    return 0 if count else NOT_FOUND


def _check(names: tuple[str, ...], *, every: bool) -> None:
    if every == bool(names):
        raise UsageError("Give ids, or --all.")


def _read(desk: RegistrySession) -> tuple[QueuedOutbox, ...]:
    return leftovers.decode(desk.beside(lambda read: read(leftovers.NAME))).boxes


def _words(entry: Message) -> str:
    text = entry.text.replace("\n", " ")
    reason = f"  ({entry.reason})" if entry.reason else ""
    return f"{entry.kind.value:9}  {entry.channel or 'webhook'}  {text[:200]}{reason}"


def _record(left: QueuedOutbox) -> dict[str, Any]:
    def entries(found: tuple[Message, ...]) -> list[dict[str, Any]]:
        return [
            {
                "id": entry.id,
                "kind": entry.kind.value,
                "channel": entry.channel,
                "text": entry.text,
                "at": iso(entry.at),
                "final": entry.final,
                "tries": entry.tries,
                "reason": entry.reason,
            }
            for entry in found
        ]

    return {
        "correlation_id": left.name,
        "repository": left.repository,
        "saved_at": iso(left.saved_at),
        "waiting": entries(left.box.pending),
        "failed": entries(left.box.dead),
    }
