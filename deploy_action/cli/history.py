"""Lists deployments."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import click

from deploy_action.cli import NOT_FOUND
from deploy_action.cli.common import (
    Checked,
    RegistrySession,
    as_json,
    duration_word,
    echo,
    say_json,
    warn,
    with_registry,
    with_utc,
)
from deploy_action.cli.text import history as past
from deploy_action.cloudformation.outcome import Outcome
from deploy_action.common.times import unix_seconds
from deploy_action.estimation.accuracy import accuracy_of
from deploy_action.history import document as core
from deploy_action.history.files import archives, learned
from deploy_action.history.record_codec import deployment_of

if TYPE_CHECKING:
    from collections.abc import Callable


@click.command()
@click.option("--stack", metavar="NAME", default="", help="Only deployments of this stack, or of a glob.")
@click.option("--environment", default="", help="Only deployments of this environment.")
@click.option(
    "--outcome",
    "outcomes",
    multiple=True,
    type=click.Choice(sorted(one.value for one in Outcome)),
    help="Only those that ended so; may be given several times.",
)
@click.option(
    "--since",
    type=Checked(duration_word, "duration"),
    help="Only those that ended in the last 90m, 12h or 7d.",
)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="The newest so many.")
@as_json
@with_utc
@with_registry
def history(
    desk: RegistrySession,
    *,
    stack: str,
    environment: str,
    outcomes: tuple[str, ...],
    since: float | None,
    limit: int,
    machine: bool,
    utc: bool,
) -> int:
    """Deployments, the newest first, and how good their estimates were.

    --json prints the records whole.
    """
    begin = None if since is None else desk.clock.now() - since

    def fits(record: dict[str, Any]) -> bool:
        return (
            _matches(record, stack=stack, environment=environment)
            and (not outcomes or record.get("outcome") in outcomes)
            and (begin is None or _ended(record) >= begin)
        )

    found = _found(desk, fits, limit)
    shown = found[::-1][:limit]
    if machine:
        say_json(shown)
        return 0
    filtered = bool(stack or environment or outcomes) or since is not None
    for line in past.listing(shown, filtered=filtered, utc=utc):
        click.echo(line)
    if len(shown) < len(found):
        warn(f"{len(found) - len(shown)} older ones are not shown; see --limit.")
    accuracy = accuracy_of(one for one in map(deployment_of, found) if one is not None)
    if accuracy is not None:
        echo(past.accuracy(accuracy))
    return 0


@click.command()
@click.argument("correlation_id", metavar="CORRELATION-ID")
@as_json
@with_utc
@with_registry
def show(desk: RegistrySession, *, correlation_id: str, machine: bool, utc: bool) -> int:
    """One deployment, whole: what it did, how long each resource took, and what was expected. Of one that
    failed, the resources until the rollback, those that failed first.

    The beginning of an id is enough where only one deployment has it.
    """
    found = _found(desk, lambda record: _is_called(record, correlation_id, whole=True), 1) or _found(
        desk, lambda record: _is_called(record, correlation_id, whole=False), 2
    )
    if len(found) != 1:
        known = (
            f"{len(found)} deployments have an id that begins so" if found else "No deployment has that id"
        )
        warn(f"{known}; `history` lists them.")
        return NOT_FOUND
    if machine:
        say_json(found[0])
        return 0
    for line in past.whole(found[0], utc=utc):
        click.echo(line)
    return 0


def _found(desk: RegistrySession, fits: Callable[[dict[str, Any]], bool], count: int) -> list[dict[str, Any]]:
    """The records that fit, the oldest first: those that are whole, and where they are fewer than `count`,
    archived ones too."""

    def look(read: Callable[[str], bytes | None]) -> list[dict[str, Any]]:
        found = [one for one in core.records(learned(read)) if fits(one)]
        if len(found) >= count:
            return found
        for _, content in archives(read):
            seen = {one.get("correlation_id") for one in found}
            older = [one for one in core.records(content) if fits(one)]
            found = [one for one in older if one.get("correlation_id") not in seen] + found
            if len(found) >= count:
                break
        return found

    return desk.beside(look)


def _is_called(record: dict[str, Any], name: str, *, whole: bool) -> bool:
    found = record.get("correlation_id")
    return isinstance(found, str) and (found == name if whole else found.startswith(name))


def _ended(record: dict[str, Any]) -> float:
    """Unix seconds; 0 where that is not told."""
    text = record.get("released_at")
    return (unix_seconds(text) if isinstance(text, str) else None) or 0.0


def _matches(record: dict[str, Any], *, stack: str, environment: str) -> bool:
    stacks = record.get("stacks")
    names = [str(one) for one in stacks] if isinstance(stacks, list) else []
    is_of = any(fnmatchcase(name, stack) or fnmatchcase(name.partition("/")[2], stack) for name in names)
    return (not stack or is_of) and environment in {"", record.get("environment")}
