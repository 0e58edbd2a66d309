"""The state that the steps of one job hand on: a file in the state folder that the launcher made."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from deploy_action.cloudformation.stacks import StackRef
from deploy_action.locking.document import Ticket
from deploy_action.locking.without_registry import LastSeen
from deploy_action.monitoring.baseline import Baseline
from deploy_action.reporting.report import Report

if TYPE_CHECKING:
    from collections.abc import Mapping
    from io import FileIO
    from pathlib import Path

_FILE = "state.json"
_MEMORY = "memory.json"
COMMAND_SCRIPT = "command.sh"
COMMAND_FOLDER = "command.cwd"
COMMAND_ENVIRONMENT = "command.env"
COMMAND_GO = "command.go"
COMMAND_EXIT = "command.exit"
COMMAND_TAIL = "command.tail"
COMMAND_OUTPUT = "command.output"
COMMAND_OUTPUT_BYTES_MAX = 4 << 20
EXIT_CODE_LOST = -1
"""Of a command that is gone without anybody knowing how it ended."""
_PRINTED = "printed"
_SIGN = "watched"
_OUTBOX = "outbox.jsonl"


@dataclass(frozen=True, slots=True)
class Execution:
    """A change set that is about to be executed. `name` is its own, and the token of all that it does.

    `changed_at`: when the stack's operation before it began (CloudFormation's unix seconds), 0 for none.
    """

    name: str
    arn: str
    stack_id: str = ""
    created_stack: bool = False
    changed_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Memory:
    """The past that `pre` read: the history's content, records from CloudFormation's events that are not in
    it, why the history could not be read, and which stacks (`REGION/NAME`) do not exist."""

    content: bytes | None = None
    collected: tuple[dict[str, Any], ...] = ()
    unread: str = ""
    absent: tuple[str, ...] = ()


@dataclass(slots=True)
class JobState:
    """Written by `pre`, carried on by `main`, read by `post`."""

    report: Report
    ticket: Ticket | None = None
    """None where nothing was asked for. A ticket that does not hold is one that may have to be taken back."""
    alone: bool = False
    """The registry could not be used so far, so CloudFormation's own status alone keeps deployments apart."""
    behind: tuple[str, ...] = ()
    """The correlation ids of those who waited for the lock when the registry last answered."""
    borrowed: bool = False
    """The ticket is that of a `lock` step, which gives it back."""
    lock_token: str = ""
    """The token of a `lock` step; the ticket's nonce is made of it."""
    confirmed_at: float | None = None
    """When the lock was last confirmed by the registry, on this machine's monotonic clock."""
    seen_epochs: dict[str, int] = field(default_factory=dict)
    """The highest epoch that was seen of each lock, by its key."""
    seen_generation: str = ""
    """Of the registry's document."""
    last_seen: LastSeen | None = None
    """The tickets of others when the registry was last understood, at `last_seen_at` of that clock."""
    last_seen_at: float = 0.0
    stacks: tuple[StackRef, ...] = ()
    slack_thread_ts: str = ""
    slack_channel_id: str = ""
    main_started: bool = False
    main_began: float = 0.0
    """On this machine's monotonic clock, which a restart of the coordinator does not set back."""
    baseline: Baseline | None = None
    """Where the events of this deployment begin; kept so that a restarted watch misses nothing."""
    stack_set_operations: dict[str, list[str]] | None = None
    """The operations that each stack set (`REGION/NAME`) had before, by id."""
    partly_unwatched: bool = False
    """A stack could not be watched from the beginning: nobody knows that all went well."""
    change_sets_before: list[str] | None = None
    """ARNs of what a command that plans found on its stacks."""
    changed_before: dict[str, float] | None = None
    """When these stacks were changed last, by id (CloudFormation's unix seconds)."""
    applied: list[str] = field(default_factory=list)
    """ARNs of the reviewed change sets that were executed to a good end."""
    earlier: Report | None = None
    """Facts about the stacks that were applied before the one of `execution`."""
    planned_anew: bool = False
    """The reviewed plan was outdated, so that the present plan is deployed in its place."""
    starts: int = 0
    """How often `main` was started: more than once where it was killed."""
    waited_seconds: float = 0.0
    """The part of the time since `main_began` that belongs to the queue."""
    attempts: int = 0
    """How many change sets were asked for; each has a name of its own."""
    execution: Execution | None = None
    """Kept before the execution is asked for: from then on it may have been."""
    attached: dict[str, str] = field(default_factory=dict)
    """Of stacks that are watched only, by id: the first event of the operation that was found in progress."""
    alerts: list[str] = field(default_factory=list)
    """Alerts that were sent, so that a restarted watch does not repeat them."""
    github_deployment: str | None = None
    """Its id on GitHub's environments page; empty where there is none, None where that is not known."""
    exit_code: int | None = None
    closing_over: bool = False
    """CloudFormation did not answer in all the time that `main` has for reading an end."""


class StateFolder:
    """The folder that all steps of one use of the action share. Mode 700: it belongs to the job's user."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._exit: FileIO | None = None

    @property
    def outbox(self) -> Path:
        """Messages that the channel still has to get."""
        return self.path / _OUTBOX

    @property
    def webhook_outbox(self) -> Path:
        return self.path / f"webhook-{_OUTBOX}"

    def further_outbox(self, number: int) -> Path:
        """Of the second and each further channel of Slack."""
        return self.path / f"channel-{number}-{_OUTBOX}"

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

    def keep_memory(self, memory: Memory) -> None:
        """Raises OSError."""
        (self.path / _MEMORY).write_bytes(msgspec.json.encode(memory))

    def memory(self) -> Memory | None:
        """None where `pre` had none in time."""
        try:
            return msgspec.json.decode((self.path / _MEMORY).read_bytes(), type=Memory)
        except (OSError, msgspec.MsgspecError):
            return None

    def hand_over_command(self, command: str, folder: str) -> None:
        """Give the user's command to the launcher, which runs it on the host. Raises OSError."""
        (self.path / COMMAND_FOLDER).write_text(f"{folder}\n", "utf-8")
        script = self.path / COMMAND_SCRIPT
        script.write_text(f"{command}\n", "utf-8")
        script.chmod(0o700)

    def forget(self) -> None:
        """Remove what later steps of the job have no business with: the command, its outputs, the report."""
        for name in (_FILE, _MEMORY, COMMAND_SCRIPT, COMMAND_OUTPUT):
            (self.path / name).unlink(missing_ok=True)

    def add_printed(self, event_id: str) -> None:
        """Remember that an event stands in the log. Appended at once, so that a watch that is killed between
        two events repeats none; with a full disk it may."""
        with suppress(OSError), (self.path / _PRINTED).open("ab", buffering=0) as file:
            file.write(f"{event_id}\n".encode())

    def printed(self) -> set[str]:
        try:
            return set((self.path / _PRINTED).read_text("utf-8").splitlines())
        except (OSError, ValueError):
            return set()

    def sign(self, monotonic_seconds: float) -> None:
        """Somebody watches at this moment of this machine's monotonic clock."""
        with suppress(OSError):
            (self.path / _SIGN).write_text(f"{monotonic_seconds}\n", "utf-8")

    def last_sign(self) -> float | None:
        """When somebody last watched, by the same clock; None where that is not known."""
        try:
            return float((self.path / _SIGN).read_text("utf-8"))
        except (OSError, ValueError):
            return None

    def give_command(self, variables: Mapping[str, str]) -> None:
        """Variables for the command's environment, plain words of our own. Raises OSError."""
        lines = "".join(f"{name}={value}\n" for name, value in variables.items())
        (self.path / COMMAND_ENVIRONMENT).write_text(lines, "utf-8")

    def let_command_go(self) -> None:
        (self.path / COMMAND_GO).touch()

    @property
    def command_was_let_go(self) -> bool:
        return (self.path / COMMAND_GO).exists()

    def command_exit_code(self) -> int | None:
        """None while the command runs; EXIT_CODE_LOST where it is gone and left none.

        The file has its full size before the command starts and stays open here and in the launcher: it is
        found although the folder is emptied meanwhile.
        """
        try:
            if self._exit is None:
                self._exit = (self.path / COMMAND_EXIT).open("rb", buffering=0)
            self._exit.seek(0)
            text = self._exit.read(16).decode().strip()
            return EXIT_CODE_LOST if text == "lost" else int(text)
        except (OSError, ValueError):
            return None

    def command_output(self) -> str:
        """The text that the command wrote to GITHUB_OUTPUT, its first COMMAND_OUTPUT_BYTES_MAX; empty where
        that cannot be read."""
        try:
            with (self.path / COMMAND_OUTPUT).open("rb") as file:
                data = file.read(COMMAND_OUTPUT_BYTES_MAX)
        except OSError:
            return ""
        return data.decode("utf-8", "replace")

    def command_tail(self) -> tuple[str, ...]:
        """The last lines that the command wrote, oldest first, as they came: with whatever escape sequences
        and workflow commands stand in them. Empty where the launcher could not keep them.

        The file: 8 digits (how many bytes follow), LF, the lines.
        """
        try:
            size, _, text = (self.path / COMMAND_TAIL).read_bytes().partition(b"\n")
            kept = text[: int(size)]
        except (OSError, ValueError):
            return ()
        return tuple(kept.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").splitlines())
