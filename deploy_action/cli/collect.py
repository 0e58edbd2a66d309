"""Seeding the history from CloudFormation's own events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deploy_action.cli import NOT_FOUND
from deploy_action.cli.common import (
    RegistrySession,
    as_json,
    echo,
    region_option,
    say_json,
    stack_refs,
    warn,
    with_registry,
)
from deploy_action.cloudformation.aws_clients import AwsClients
from deploy_action.cloudformation.client import CloudFormation
from deploy_action.history.backfill import collect
from deploy_action.history.files import remembered
from deploy_action.locking.compare_and_swap import FilesChange

if TYPE_CHECKING:
    from deploy_action.history.backfill import Collected
    from deploy_action.locking.document import Document

PAUSE_SECONDS = 0.25
"""Between two answers: CloudFormation's limit is for the whole account, and others deploy meanwhile."""
TRIES = 8


@click.command()
@click.argument("stacks", nargs=-1, required=True, metavar="STACK...")
@region_option
@as_json
@with_registry
def command(desk: RegistrySession, stacks: tuple[str, ...], *, region: str, machine: bool) -> int:
    """Seed the history from the events that CloudFormation still has, so that estimates are good at once.

    STACK is NAME, REGION/NAME or a glob in quotes. CloudFormation keeps events for 90 days; the newest 20
    operations of each stack are read. To do it again remembers nothing twice.
    """
    refs = stack_refs(stacks, region)
    past = desk.past(desk.history())
    if past.trouble:
        warn(past.trouble)
    found = collect(
        CloudFormation(AwsClients(tries=TRIES)),
        refs,
        known=past,
        pause=lambda: desk.clock.sleep(PAUSE_SECONDS),
    )
    if found.records:
        _remember(desk, found)
    if machine:
        say_json([{"stack": one.stack, "operations": one.operations, "new": one.new} for one in found.found])
    for one in found.found:
        if not machine:
            echo(f"{one.stack}: {one.operations} whole operations found, {one.new} of them new.")
        if one.trouble:
            warn(f"{one.stack}: {one.trouble}")
    return 0 if any(one.operations for one in found.found) else NOT_FOUND


def _remember(desk: RegistrySession, found: Collected) -> None:
    def same(document: Document) -> tuple[Document, None]:
        return document, None

    desk.apply(
        same,
        f"collect {len(found.records)} earlier operations",
        file=FilesChange(lambda read: remembered(read, None, earlier=found.records)),
        always=True,
    )
