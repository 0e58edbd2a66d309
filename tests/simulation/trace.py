"""What happened in a schedule, line by line; formatted only where somebody reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.scheduler import Scheduler


class Trace:
    def __init__(self, scheduler: Scheduler, *, on: bool) -> None:
        self._scheduler = scheduler
        self._on = on
        self.lines: list[str] = []

    def add(self, who: str, text: str, *values: object) -> None:
        if self._on:
            self.lines.append(f"{self._scheduler.time:9.2f} {who:>8} {text.format(*values)}")
