"""Whether the job behind a ticket still lives, as far as anybody can tell."""

from __future__ import annotations

from enum import Enum


class JobStatus(Enum):
    """The state of a job as GitHub reports it. It may lag behind, and a lost job may be said to run for
    ever."""

    RUNNING = "running"
    """Waiting, queued or in progress."""
    COMPLETED = "completed"
    """It has ended, whatever became of it: nothing of it can act any more."""
    UNKNOWN = "unknown"
    """Not a job of GitHub, no permission to look, or no answer."""
