"""Watch from a laptop what CloudFormation is doing, whoever began it. Nothing is locked or changed."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from deploy_action.cli import INTERRUPTED, NOT_FOUND
from deploy_action.cli.common import (
    RegistrySession,
    as_json,
    echo,
    region_option,
    say_json_line,
    stack_refs,
    warn,
    with_registry,
    with_utc,
)
from deploy_action.cli.text.tables import shown_time, zone_name
from deploy_action.cloudformation.deployability import way_out, ways_out
from deploy_action.cloudformation.outcome import Outcome, StackLine, outcome_of
from deploy_action.common.times import iso
from deploy_action.errors import (
    CoordinatorError,
    DeploymentFailed,
    StackSourceError,
    TimedOut,
    VerdictUnknown,
)
from deploy_action.estimation.history_forecast import LearnedForecast
from deploy_action.job.job_log import JobLogReporter
from deploy_action.reporting.headline import headline
from deploy_action.reporting.log.lines import LogStyle
from deploy_action.reporting.report import Report, failure_causes
from deploy_action.reporting.resource_activity import resource_activities

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deploy_action.cloudformation.events import StackEvent
    from deploy_action.cloudformation.operation import Operation
    from deploy_action.cloudformation.ports import StackSource
    from deploy_action.cloudformation.stacks import StackRef, StackState
    from deploy_action.common.instants import CloudFormationTime
    from deploy_action.common.ports import Clock
    from deploy_action.history.deployments import DeploymentHistory
    from deploy_action.monitoring.event_stream import EventStream
    from deploy_action.monitoring.watch_loop import End

WAIT_SECONDS = 5.0


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="STACK...")
@region_option
@click.option("--wait", is_flag=True, help="Wait for something to begin, if nothing is in progress.")
@click.option("--timeout-in-minutes", "minutes", type=click.FloatRange(0, min_open=True), default=None)
@as_json
@with_utc
@with_registry
def command(
    desk: RegistrySession,
    names: tuple[str, ...],
    *,
    region: str,
    wait: bool,
    minutes: float | None,
    machine: bool,
    utc: bool,
) -> int:
    """Watch what is in progress on stacks, live, until it ends.

    STACK is NAME, REGION/NAME or a glob such as 'shop-*'. Where nothing is in progress, it says how the
    last operation ended. Exit codes: 0 success or nothing to watch, 1 a failure or no such stack, 6
    --timeout-in-minutes is over, 7 how it ended cannot be told. Where the registry can be read, times are
    held against this repository's own history. --json prints one object a line.
    """
    from deploy_action.cloudformation.aws_clients import AwsClients
    from deploy_action.cloudformation.client import CloudFormation

    refs = stack_refs(names, region)
    source = CloudFormation(AwsClients(), one_try=True)
    try:
        running = _running(source, refs, desk.clock, wait=wait)
        if not running:
            return _at_rest(source, refs, machine=machine, utc=utc)
        seconds = None if minutes is None else minutes * 60
        return _watch(desk, source, running, seconds, machine=machine, utc=utc)
    except KeyboardInterrupt:
        warn("Stopped watching. What CloudFormation has begun goes on.")
        return INTERRUPTED


def _running(
    source: StackSource, refs: tuple[StackRef, ...], clock: Clock, *, wait: bool
) -> list[StackState]:
    from deploy_action.locking.stack_activity import in_progress

    told = False
    while True:
        try:
            running = in_progress(source, refs)
        except StackSourceError as error:
            if not (wait and error.temporary):
                raise
            running = []
        if running or not wait:
            return running
        if not told:
            warn("Waiting for something to begin.")
            told = True
        clock.sleep(WAIT_SECONDS)


def _at_rest(source: StackSource, refs: tuple[StackRef, ...], *, machine: bool, utc: bool) -> int:
    """Nothing to watch: how the stacks are is still what was asked."""
    missing = False
    for ref in refs:
        found = source.matching(ref) if ref.is_glob else [source.describe(ref)]
        if not any(found):
            missing = True
            warn(f"There is no stack {ref}.")
        for state in filter(None, found):
            line = StackLine(state.ref.region, state.ref.name, state.stack_id, state.status, state.reason)
            if machine:
                say_json_line({"type": "at-rest", **asdict(line)})
                continue
            changed_at = shown_time(iso(state.changed_at), utc=utc) if state.changed_at else ""
            begun = f" (last operation began {changed_at})" if changed_at else ""
            reason = f" {state.reason}" if state.reason else ""
            echo(f"Nothing is in progress on {state.ref}. It is {state.status}{begun}.{reason}")
            if way := way_out(state.status):
                echo(way, indent=2)
    return NOT_FOUND if missing else 0


def _watch(
    desk: RegistrySession,
    source: StackSource,
    running: list[StackState],
    timeout_seconds: float | None,
    *,
    machine: bool,
    utc: bool,
) -> int:
    from deploy_action.monitoring.baseline import attach_to
    from deploy_action.monitoring.event_stream import EventStream
    from deploy_action.monitoring.watch_loop import WatchLoop

    watcher = EventStream(source, attach_to(running))
    watcher.forecast = LearnedForecast(_past(desk), ())
    zone = zone_name(desk.clock.now())
    if not (machine or utc or zone == "UTC"):
        warn(f"Times are in {zone}; --utc shows them in UTC.")
    with _shown(watcher, desk.clock, machine=machine, utc=utc) as (reporter, refresh):
        session = WatchLoop(
            watcher,
            desk.clock,
            reporter,
            done=lambda: watcher.at_rest,
            cancelled=lambda: False,
            timeout_seconds=timeout_seconds,
            hurry=lambda: bool(refresh()),
        )
        end = session.run()
    return _ended(source, desk.clock, watcher.operation, end, machine=machine)


def _past(desk: RegistrySession) -> DeploymentHistory:
    content = None
    try:
        content = desk.history()
    except CoordinatorError as error:
        warn(f"Times are held against typical durations. {error.what}")
    return desk.past(content)


def _ended(source: StackSource, clock: Clock, operation: Operation, end: End, *, machine: bool) -> int:
    from deploy_action.monitoring.closing_budget import Closing
    from deploy_action.monitoring.final_status import confirmed
    from deploy_action.monitoring.watch_loop import End

    closing = Closing(clock, cancelled=lambda: False)
    lines, outputs, notes = confirmed(source, closing, operation, ours_only=False)
    for note in notes:
        warn(note)
    outcome = outcome_of(lines)
    started, ended = operation.started, operation.ended
    report = Report(
        correlation_id="",
        outcome=outcome,
        stacks=lines,
        outputs=outputs,
        duration_seconds=ended - started if started is not None and ended is not None else None,
        bars=resource_activities(operation),
        causes=failure_causes(operation, outcome),
        timed_out=end is End.TIMED_OUT and outcome is Outcome.UNKNOWN,
    )
    if machine:
        say_json_line(
            {
                "type": "end",
                "outcome": outcome.value,
                "stacks": [asdict(line) for line in lines],
                "outputs": report.outputs_by_stack,
                "duration_seconds": report.duration_seconds,
                "root_cause": report.root_cause,
            }
        )
    else:
        echo(headline(report, lambda text: text))
        for cause in report.causes[:10]:
            echo(f"{cause.name} ({cause.resource_type}) {cause.status}: {cause.message}", indent=2)
            if cause.remedy is not None:
                echo(cause.remedy.advice, indent=4)
        way = "" if outcome.good else ways_out(report.named_statuses)
        if way:
            echo(way)
    if outcome in {Outcome.FAILED, Outcome.ROLLED_BACK}:
        return DeploymentFailed.exit_code
    if outcome is Outcome.UNKNOWN:
        return TimedOut.exit_code if end is End.TIMED_OUT else VerdictUnknown.exit_code
    return 0


class _TerminalLog:
    """A log for people at a terminal: annotations of GitHub Actions become plain lines."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show

    def write(self, line: str = "") -> None:
        for part in line.splitlines() or [""]:
            sign, _, words = part.removeprefix("::").partition("::")
            kind = sign.partition(" ")[0]
            if part.startswith("::") and kind in {"warning", "error"}:
                words = words.replace("%0A", " ").replace("%0D", " ").replace("%25", "%")
                part = f"! {words}"  # noqa: PLW2901
            self._show(part)

    def mask(self, secret: str) -> None:
        """No command shares the log here."""


class _JsonTeller(JobLogReporter):
    def events(self, events: tuple[StackEvent, ...], operation: Operation) -> None:  # noqa: ARG002
        for event in events:
            say_json_line({"type": "event", **asdict(event)})

    def quiet(
        self, operation: Operation, *, now: CloudFormationTime, unanswered_since: CloudFormationTime | None
    ) -> None: ...

    def line(self, text: str) -> None:
        warn(text)

    def note(self, sentence: str) -> None:
        warn(sentence)


@contextmanager
def _shown(
    watcher: EventStream, clock: Clock, *, machine: bool, utc: bool
) -> Iterator[tuple[JobLogReporter, Callable[[], None]]]:
    """A teller, and what refreshes the display below its lines, if there is a terminal to draw on."""
    style = LogStyle(color=sys.stdout.isatty() and not os.environ.get("NO_COLOR"), utc=utc)
    kind = _JsonTeller if machine else JobLogReporter

    def reporter(show: Callable[[str], None]) -> JobLogReporter:
        log = _TerminalLog(show)
        return kind(log, clock, style, forecast=watcher.forecast, grouped=False)  # type: ignore[arg-type]

    if machine or not sys.stdout.isatty():
        yield reporter(warn if machine else click.echo), lambda: None
        return
    from deploy_action.cli.live import Display

    with Display(watcher, clock) as display:
        yield reporter(display.line), display.refresh
