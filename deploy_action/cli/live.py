"""The operations in progress, drawn below the lines of the log."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from deploy_action.common.escape import log_text
from deploy_action.common.instants import CloudFormationTime
from deploy_action.common.times import duration
from deploy_action.reporting.log import progress
from deploy_action.reporting.log.lines import WORDS

if TYPE_CHECKING:
    from rich.console import RenderableType

    from deploy_action.common.ports import Clock
    from deploy_action.monitoring.event_stream import EventStream

RUNNING_MAX = 8


class Display:
    """A context that draws below the lines that `line` writes. What is written past it is erased with the
    next drawing."""

    def __init__(self, watcher: EventStream, clock: Clock, console: Console | None = None) -> None:
        self._watcher = watcher
        self._clock = clock
        self._console = console or Console(highlight=False)
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stderr=sys.stderr.isatty(),
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def line(self, text: str) -> None:
        """`text`: one line, which may have colours (ANSI) and be longer than the terminal is wide."""
        self._console.print(Text.from_ansi(text), soft_wrap=True)

    def refresh(self) -> None:
        self._live.update(self._picture(), refresh=True)

    def _picture(self) -> RenderableType:
        operation, forecast = self._watcher.operation, self._watcher.forecast
        theirs = self._watcher.their_now(self._clock.monotonic())
        now = CloudFormationTime(self._clock.now()) if theirs is None else theirs
        started = operation.started if operation.started is not None else now
        left = progress.left(forecast.remaining(operation, now=now))
        roots = ", ".join(f"{root.name} {root.status}" for root in operation.roots[:3])
        parts = (roots, f"{operation.done_count()} done", f"+{duration(now - started)}", left)
        head = Text(" · ".join(log_text(part) for part in parts if part), style="bold")
        table = Table.grid(padding=(0, 2))
        running = operation.running
        for activity in running[:RUNNING_MAX]:
            label = operation.label_of(activity)
            seconds = activity.seconds(now)
            usual = progress.meaningful(forecast.usual(activity, label), seconds)
            doing = WORDS.get(activity.action, activity.action.lower())
            table.add_row(
                Text(f"  ◦ {log_text(doing, 20)}", style="cyan"),
                Text(log_text(operation.name_of_activity(activity), 60)),
                Text(log_text(activity.resource_type, 60), style="dim"),
                Text(duration(seconds)),
                Text(progress.usually(usual), style="dim"),
            )
        more = len(running) - RUNNING_MAX
        return Group(head, table, Text(f"  and {more} more" if more > 0 else ""))
