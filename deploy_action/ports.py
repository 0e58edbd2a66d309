"""What the engine needs from the world. Adapters implement these; tests hand in their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from deploy_action.core.behind import Finding, Service, Subject
    from deploy_action.core.change_set import ChangeSet, ChangeSetRequest, ValidationError
    from deploy_action.core.document import Ticket
    from deploy_action.core.events import StackEvent
    from deploy_action.core.life import JobLife
    from deploy_action.core.outbox import Box
    from deploy_action.core.outbox_records import Record
    from deploy_action.core.review import Review
    from deploy_action.core.stack_sets import StackSetInstance, StackSetOperation, StackSetRef
    from deploy_action.core.stacks import StackRef, StackState


class Clock(Protocol):
    """Time as the product sees it. The only source of `now`."""

    def now(self) -> float:
        """Unix time in seconds, for people and records; never compared across machines."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that only moves forward, also while the machine is suspended, and that all
        processes of this machine share; for every decision about elapsed time."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait. Returns early when the job is cancelled."""
        ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a registry holds: `document` (None: nothing written yet) and the version to swap against."""

    document: bytes | None
    version: str


NO_FILES: Mapping[str, bytes] = MappingProxyType({})
DOCUMENT_BYTES_MAX = 4_000_000
"""No document of a registry is larger. Of one that is, a store reads one byte more, by which its reader sees
that and refuses; the rest never reaches the runner's memory."""


class Registry(Protocol):
    """One document behind compare-and-swap. Bytes only: the codec is `core.lock`'s business.

    Guarantee: of all swaps against one version, at most one takes effect. A stale read may delay, it can
    never grant, since the swap that follows it conflicts.

    Further documents ("files") may stand beside it and are swapped together with it. Each has a plain name
    without folders, such as `deployment-history.json`, that is not the document's own.
    """

    @property
    def location(self) -> str:
        """Where the document is, in words for people (`branch deploy-registry of org/app`)."""
        ...

    @property
    def advice(self) -> str:
        """What somebody has to change about where the document is named, learned by asking for it; empty for
        nothing."""
        ...

    def read(self) -> Snapshot:
        """The newest known document.

        Raises RegistryUnavailable (try again), RegistryForbidden (do not).
        """
        ...

    def read_file(self, name: str, version: str) -> bytes | None:
        """A further document as it stands with that version of the registry; None where it was never written.

        Raises like `read`, and RegistryConflict for a version that is not the newest any more: not every
        store keeps older ones. Read again then.
        """
        ...

    def swap(
        self, document: bytes, version: str, *, message: str, files: Mapping[str, bytes] = NO_FILES
    ) -> str:
        """Replace the document if its version is still `version`; returns the new version.

        `files`, content by name, are replaced if and only if the document is; others stay as they are.
        `message` is one line for the audit log of stores that keep one.
        Raises RegistryConflict (certainly not written), RegistryUnavailable (may have been written: read
        back), RegistryForbidden (certainly not written, and never will be).
        """
        ...


class Runs(Protocol):
    """What GitHub knows of the jobs behind tickets. Never raises: what cannot be known is UNKNOWN."""

    def life(self, ticket: Ticket) -> JobLife:
        """One look, at most two requests. The caller decides how often."""
        ...

    def review(self, ticket: Ticket) -> Review | None:
        """Whether the run that holds a ticket waits for a reviewer; None where that is not known. At most two
        requests."""
        ...


@dataclass(frozen=True, slots=True)
class Traffic:
    """`requests` counts pages and tries, `throttled` those of them that were refused as too many."""

    requests: int = 0
    throttled: int = 0


class StackSource(Protocol):
    """Read-only view of CloudFormation. Every method raises StackSourceError and nothing else."""

    def describe(self, stack: StackRef) -> StackState | None:
        """The stack's state, or None where there is no such stack."""
        ...

    def events(self, stack: StackRef, *, stop: Callable[[StackEvent], bool]) -> Sequence[StackEvent]:
        """Events newer than the first one that `stop` accepts, oldest first; () where there is no such stack.

        Pages from the newest event back until `stop` says so: a fetch capped at one page loses the cause of
        a failure.
        """
        ...

    def their_time(self) -> float | None:
        """CloudFormation's clock at its last answer, unix seconds, whole ones; None where it was not told."""
        ...

    def matching(
        self, pattern: StackRef, *, between_pages: Callable[[], object] = ...
    ) -> Sequence[StackState]:
        """Stacks whose name matches the glob of `pattern.name`, deleted ones left out. Reads all stacks of
        the account, a hundred a page; `between_pages` may wait."""
        ...

    def in_progress(self, pattern: StackRef) -> Sequence[StackState]:
        """Those of `matching` that CloudFormation is working on: one page, however many stacks there are."""
        ...

    def deleted(
        self, pattern: StackRef, *, between_pages: Callable[[], object] = ...
    ) -> Sequence[StackState]:
        """Deleted stacks, which CloudFormation lists for 90 days, whose name is or matches `pattern.name`."""
        ...

    def traffic(self) -> Traffic:
        """What this process has sent to CloudFormation so far."""
        ...


class StackSetSource(Protocol):
    """Read-only view of StackSets. Every method raises StackSourceError and nothing else."""

    def operations(self, stack_set: StackSetRef, known: Collection[str]) -> Sequence[StackSetOperation]:
        """Its operations whose ids are not known; () where there is no such stack set."""
        ...

    def instances(self, stack_set: StackSetRef, operation_id: str) -> Sequence[StackSetInstance]:
        """What became of each account and region in an operation, without the ids of their stacks."""
        ...

    def stack_ids(self, stack_set: StackSetRef, operation_id: str) -> Mapping[tuple[str, str], str]:
        """By (account, region), of the stacks that the operation was the last to work on."""
        ...


class TemplateSource(Protocol):
    def template(self, stack: StackRef, change_set: str = "") -> object:
        """The processed template of a change set (ARN), else of the stack: a text, or parsed JSON. Raises
        StackSourceError."""
        ...


class Behind(Protocol):
    """A service that knows more about a resource than CloudFormation tells. Read-only."""

    @property
    def service(self) -> Service: ...

    def look(self, subject: Subject) -> Sequence[Finding]:
        """Facts since the subject's start, oldest first; the same ones again at each look.

        At most `core.behind.COSTS` requests. Raises BehindDenied, BehindUnavailable.
        """
        ...


class StackDeployer(Protocol):
    """What changes CloudFormation. Every method raises StackSourceError, or CannotStart for a refusal."""

    def template_parameters(self, request: ChangeSetRequest) -> frozenset[str]:
        """Names of the parameters that the template declares."""
        ...

    def create_change_set(self, request: ChangeSetRequest) -> str:
        """Start to create a change set; returns its ARN. Idempotent by `request.token`."""
        ...

    def change_set(self, stack: StackRef, arn: str) -> ChangeSet:
        """The change set with all pages of its changes."""
        ...

    def validation_errors(self, stack: StackRef, arn: str) -> tuple[ValidationError, ...]:
        """What early validation found wrong; () where nothing is told."""
        ...

    def execute_change_set(self, stack: StackRef, arn: str, *, token: str, disable_rollback: bool) -> None:
        """Start the update. CloudFormation itself refuses a stack that is in progress."""
        ...

    def delete_change_set(self, stack: StackRef, arn: str) -> None: ...

    def delete_unexecuted_change_sets(self, stack: StackRef, correlation_ids: Collection[str]) -> None:
        """Delete those that these deployments made and nobody has executed. Others stay, whatever the ids
        look like."""
        ...

    def delete_stack(self, stack: StackRef, *, token: str) -> None: ...

    def cancel_update(self, stack: StackRef, *, token: str) -> None:
        """Ask for the roll-back of the update that runs. Idempotent by `token`; CannotStart where there is
        none."""
        ...


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a message stands: its `ts` and the id of its channel."""

    ts: str
    channel_id: str


class Messenger(Protocol):
    """Slack with a bot token. Each call is one request, or a few that read; all raise NotDelivered."""

    def post(
        self, channel: str, message: Announcement, *, key: str, thread_ts: str = "", broadcast: bool = False
    ) -> Posted:
        """A new message, or a reply in a thread. `key` is kept with it, for `find`."""
        ...

    def update(self, channel_id: str, ts: str, message: Announcement, *, key: str) -> None: ...

    def find(self, channel: str, *, key: str, since: float, thread_ts: str = "") -> Posted | None:
        """The message of that key, of those since then (unix seconds). Raises CannotLook."""
        ...

    def link(self, channel_id: str, ts: str) -> str:
        """The message's address in a browser; empty where it cannot be told. Never raises."""
        ...

    def say(self, message: Announcement) -> None:
        """A new message through a webhook."""
        ...


class OutboxStore(Protocol):
    """Keeps one outbox. Safe to use from two threads."""

    @property
    def box(self) -> Box: ...

    def write(self, record: Record) -> Box:
        """Keep this step, and return the box after it. Never raises."""
        ...

    @property
    def trouble(self) -> str:
        """Why nothing can be kept at present; empty where all is well."""
        ...

    def forget(self) -> None:
        """Everything in it was handed on."""
        ...


@dataclass(frozen=True, slots=True)
class Announcement:
    """One message for a channel, already rendered: `text` is the fallback, `blocks` Slack's Block Kit.

    `alert`: somebody is needed. `metadata` is Slack's, `event_type` and `event_payload`.
    """

    text: str
    blocks: tuple[dict[str, object], ...] = ()
    alert: bool = False
    metadata: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose credentials these are. `account` has 12 digits."""

    account: str
    arn: str


class IdentitySource(Protocol):
    def whoami(self) -> Identity:
        """Raises StackSourceError."""
        ...
