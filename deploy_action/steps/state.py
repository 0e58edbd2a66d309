"""What the steps of one job hand on: a file in the state folder that the launcher made."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from deploy_action.core.document import Ticket
from deploy_action.core.report import Report
from deploy_action.core.stacks import StackRef
from deploy_action.engine.watcher import Baseline

if TYPE_CHECKING:
    from pathlib import Path

_FILE = "state.json"
COMMAND_SCRIPT = "command.sh"
COMMAND_FOLDER = "command.cwd"
COMMAND_GO = "command.go"
COMMAND_EXIT = "command.exit"


@dataclass(slots=True)
class JobState:
    """Written by `pre`, carried on by `main`, read by `post`."""

    report: Report
    ticket: Ticket | None = None
    """None where nothing was asked for. A ticket that does not hold is one that may have to be taken back."""
    alone: bool = False
    """The registry could not be used so far, so CloudFormation's own status alone keeps deployments apart."""
    stacks: tuple[StackRef, ...] = ()
    slack_thread_ts: str = ""
    slack_channel_id: str = ""
    main_started: bool = False
    main_began: float = 0.0
    watch_began: float = 0.0
    """Unix seconds of this machine, kept across a restart of the watch."""
    baseline: Baseline | None = None
    """Where the events of this deployment begin; kept so that a restarted watch misses nothing."""
    partly_unwatched: bool = False
    """A stack could not be watched from the beginning: nobody knows that all went well."""
    printed: list[str] = field(default_factory=list)
    """Ids of the events that stand in the log, so that a restarted watch repeats nothing."""
    exit_code: int | None = None


class StateFolder:
    """The folder that all steps of one use of the action share. Mode 700: it belongs to the job's user."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def save(self, state: JobState) -> None:
        """Atomically: a killed step leaves the old state or the new one. Raises OSError."""
        temporary = self.path / f"{_FILE}.{os.getpid()}"
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(state), indent=1))
        temporary.replace(self.path / _FILE)

    def load(self) -> JobState | None:
        """None where `pre` never got to write it, or what is there cannot be read."""
        try:
            return msgspec.json.decode((self.path / _FILE).read_bytes(), type=JobState)
        except (OSError, msgspec.MsgspecError):
            return None

    def hand_over_command(self, command: str, folder: str) -> None:
        """Give the user's command to the launcher, which runs it on the host. Raises OSError."""
        (self.path / COMMAND_FOLDER).write_text(f"{folder}\n", "utf-8")
        script = self.path / COMMAND_SCRIPT
        script.write_text(f"{command}\n", "utf-8")
        script.chmod(0o700)

    def forget(self) -> None:
        """Remove what later steps of the job have no business with: the command and the report."""
        for name in (_FILE, COMMAND_SCRIPT):
            (self.path / name).unlink(missing_ok=True)

    def let_command_go(self) -> None:
        (self.path / COMMAND_GO).touch()

    @property
    def command_was_let_go(self) -> bool:
        return (self.path / COMMAND_GO).exists()

    def command_exit_code(self) -> int | None:
        """None while the command runs."""
        try:
            return int((self.path / COMMAND_EXIT).read_text("utf-8").strip())
        except (OSError, ValueError):
            return None
