"""A run that holds a lock while GitHub keeps its next job back for a reviewer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Review:
    """`idle`: no job of the run is in progress, or could begin before somebody approves. `since`: when the
    first of the jobs that wait was created, ISO 8601; empty where GitHub did not say."""

    idle: bool
    since: str = ""
    url: str = ""

    @property
    def text(self) -> str:
        """GitHub does not tell a reviewer from a wait timer or another rule of the environment."""
        since = f" since {self.since}" if self.since else ""
        return f"waits for a reviewer{since}{f', at {self.url}' if self.url else ''}"
