"""Many deployments share one app's limit: how they end is told, and progress takes what room is left."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deploy_action.cloudformation.outcome import Outcome
from deploy_action.common.instants import CloudFormationTime
from deploy_action.estimation.forecast import NoForecast
from deploy_action.job.notifications import SlackDelivery, SlackNotifier
from deploy_action.reporting.report import Report
from deploy_action.slack import view_updates as views
from deploy_action.slack.api.bot import SlackBot
from deploy_action.slack.outbox_file import OutboxJournal
from deploy_action.slack.routing import Routing
from deploy_action.slack.sender import MessageSender
from tests.clock import VirtualClock
from tests.cloudformation.story import stack, told
from tests.fakes.slack.server import SlackServer
from tests.jobs.stage import StageWorker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHANGE_SECONDS = 8.0
"""Between two resources that are done."""


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def server(clock: VirtualClock) -> Iterator[SlackServer]:
    with SlackServer(now=clock.now) as server:
        yield server


class Deploying:
    """One deployment as its notifier is told of it."""

    def __init__(self, server: SlackServer, clock: VirtualClock, folder: Path, number: int) -> None:
        self.name, self.clock = f"20270115-080000-{number:06x}", clock
        self.report = Report(correlation_id=self.name, environment=f"env-{number}")
        store = OutboxJournal(folder / f"{number}.jsonl", self.name)
        messenger = SlackBot("xoxb-token", correlation_id=self.name, base_url=server.api_url, timeout=2.0)
        self.sender = MessageSender(store, messenger, clock)
        self.notifier = SlackNotifier(
            SlackDelivery(clock, store, self.sender, StageWorker(self.sender, clock), Routing("C0DEPLOYS")),
            views.new_view(self.report, (), at=clock.now()),
            mentions=(),
            outputs=(),
            line=lambda _text: None,
            note=lambda _text: None,
        )
        self.over = False
        self.operation = told(stack(clock.now(), "UPDATE_IN_PROGRESS"))

    def start(self) -> None:
        self.notifier.started(self.report)

    def look(self, *, changes: bool = True) -> None:
        if not self.over:
            done = int(self.clock.elapsed / CHANGE_SECONDS) if changes else 0
            self.notifier.progressed(
                self.operation, NoForecast(), (done, 100), now=CloudFormationTime(self.clock.now())
            )

    def end(self) -> None:
        self.over = True
        self.notifier.ended(replace(self.report, outcome=Outcome.SUCCEEDED, duration_seconds=600.0))


def ended(server: SlackServer) -> int:
    return sum("is deployed" in one.text for one in server.tops("deploys"))


def test_twenty_ends_in_one_app_are_all_told_within_a_minute(
    server: SlackServer, clock: VirtualClock, tmp_path: Path
) -> None:
    server.updates_a_minute = 25
    many = [Deploying(server, clock, tmp_path, number) for number in range(20)]
    for number, one in enumerate(many):
        clock.at(2.0 * number, one.start)
        clock.at(600.0 + number / 4, one.end)
        for second in range(45, 600, 2):
            clock.at(float(second), one.look)
    clock.sleep(600.0)
    assert len(server.tops("deploys")) == 20
    refused = server.refused
    clock.sleep(65.0)
    # Without: 64 % of all updates were refused, and ten of twenty stayed at "Deploying".
    assert ended(server) == 20
    assert refused <= 80


def test_one_refusal_stretches_progress_and_a_second_one_ends_it(
    server: SlackServer, clock: VirtualClock, tmp_path: Path
) -> None:
    one = Deploying(server, clock, tmp_path, 1)
    one.start()
    clock.sleep(5.0)
    for second in range(300):
        clock.at(clock.elapsed + second, one.look)

    def updates(seconds: float) -> int:
        before = len(server.tops("deploys")[0].versions)
        clock.sleep(seconds)
        return len(server.tops("deploys")[0].versions) - before

    assert updates(60.0) >= 5
    one.sender.limit.refusals = 1
    assert updates(121.0) <= 3
    one.sender.limit.refusals = 2
    assert updates(100.0) == 0
    one.end()
    clock.sleep(2.0)
    assert ended(server) == 1


def test_where_nothing_happens_for_people_a_message_is_changed_once_a_minute(
    server: SlackServer, clock: VirtualClock, tmp_path: Path
) -> None:
    one = Deploying(server, clock, tmp_path, 1)
    one.start()
    clock.sleep(5.0)
    for second in range(240):
        clock.at(clock.elapsed + second, lambda: one.look(changes=False))
    clock.sleep(240.0)
    # It was once each ten seconds.
    assert len(server.tops("deploys")[0].versions) <= 7


def test_the_last_word_waits_for_the_moment_that_slack_names(
    server: SlackServer, clock: VirtualClock, tmp_path: Path
) -> None:
    server.updates_a_minute = 1
    one = Deploying(server, clock, tmp_path, 1)
    one.start()
    clock.sleep(12.0)
    one.look()
    clock.sleep(5.0)
    one.end()
    began = clock.elapsed
    one.notifier.flush(6.0)
    assert ended(server) == 1
    assert 6.0 < clock.elapsed - began <= 60.0


def test_a_slack_that_is_away_is_not_waited_for_so_long(
    server: SlackServer, clock: VirtualClock, tmp_path: Path
) -> None:
    one = Deploying(server, clock, tmp_path, 1)
    one.start()
    clock.sleep(12.0)
    server.fail("chat.update", status=503, times=None)
    one.end()
    began = clock.elapsed
    one.notifier.flush(6.0)
    assert clock.elapsed - began <= 7.0
