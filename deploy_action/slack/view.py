"""The state of one deployment as a channel shows it: a view of it at one moment (`slack.view_updates` makes
them).

A view is data alone, so that it can be kept on disk and rendered later. Times are unix seconds of this
machine where nothing else is said. Texts from outside stand in it as they came, cut to a sane length.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum

from deploy_action.cloudformation.outcome import Outcome
from deploy_action.history.estimate import Estimate
from deploy_action.reporting.report import Failure, Links

TEXT_MAX = 3000
"""Of any text from outside."""
LISTED_MAX = 5
"""Of resources, causes, people ahead; the count tells of the rest."""
OUTPUTS_MAX = 20


class RegistryNews(Enum):
    """The content of a message about the registry."""

    LOST = "lost"
    NOTE = "note"
    BACK = "back"


class NotificationEvent(Enum):
    """Something worth telling. Each deployment ends with exactly one of the final ones."""

    QUEUED = "queued"
    STARTED = "started"
    PROGRESS = "progress"
    STALLED = "stalled"
    MOVING = "moving"
    OVERDUE = "overdue"
    WARNED = "warned"
    COMPLETE = "complete"
    FAILED = "failed"
    ROLLED_BACK = "rolled-back"
    BUSY = "busy"
    TIMED_OUT = "timed-out"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    NOT_STARTED = "not-started"
    MONITOR_RESTARTED = "monitor-restarted"
    REGISTRY_FALLBACK = "registry-fallback"
    TAKEOVER = "takeover"
    STUCK_IN_QUEUE = "stuck-in-queue"

    @property
    def final(self) -> bool:
        """Nothing may be told of the deployment after it."""
        return self in _FINAL

    @property
    def waiting(self) -> bool:
        """The deployment stands in the queue."""
        return self in {NotificationEvent.QUEUED, NotificationEvent.STUCK_IN_QUEUE}

    @property
    def needs_somebody(self) -> bool:
        """A person should look: what the alert channel is for, where nothing else is configured."""
        return self in _ALERTS


_FINAL = frozenset(
    {
        NotificationEvent.COMPLETE,
        NotificationEvent.FAILED,
        NotificationEvent.ROLLED_BACK,
        NotificationEvent.BUSY,
        NotificationEvent.TIMED_OUT,
        NotificationEvent.CANCELLED,
        NotificationEvent.SKIPPED,
        NotificationEvent.UNKNOWN,
        NotificationEvent.NOT_STARTED,
    }
)
_ALERTS = frozenset(
    {
        NotificationEvent.FAILED,
        NotificationEvent.ROLLED_BACK,
        NotificationEvent.TIMED_OUT,
        NotificationEvent.UNKNOWN,
        NotificationEvent.STALLED,
        NotificationEvent.STUCK_IN_QUEUE,
        NotificationEvent.TAKEOVER,
        NotificationEvent.REGISTRY_FALLBACK,
    }
)


@dataclass(frozen=True, slots=True)
class Origin:
    """The actor of a deployment, and its origin; empty where it is not known. `server`:
    `https://github.com`."""

    repository: str = ""
    actor: str = ""
    ref: str = ""
    workflow: str = ""
    server: str = ""


@dataclass(frozen=True, slots=True)
class StackSeen:
    """A root stack; `console` is the address of its page, empty where that is not known."""

    region: str
    name: str
    status: str = ""
    console: str = ""


@dataclass(frozen=True, slots=True)
class ResourceSeen:
    """A resource that is worked on, or was. `seconds`: for how long so far, or in all."""

    label: str
    resource_type: str = ""
    action: str = ""
    """CREATE, UPDATE, DELETE or IMPORT."""
    seconds: float = 0.0
    usual_low_seconds: float | None = None
    usual_high_seconds: float | None = None
    samples: int = 0
    """How many good runs that rests on; 0 for typical durations."""
    status: str = ""
    console: str = ""


@dataclass(frozen=True, slots=True)
class CauseSeen:
    """Why something failed, or may fail; `advice` is what to do next, `source` a page about it."""

    name: str
    resource_type: str
    status: str
    message: str
    advice: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Ahead:
    """A deployment that goes first. `url` is from the registry: anybody may have written it."""

    correlation_id: str
    actor: str = ""
    url: str = ""
    holding: bool = False
    since: float | None = None
    expected_end: float | None = None
    stacks: tuple[str, ...] = ()
    """`REGION/NAME`, the first ones."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """The freeze of a lock, its actor, its end and its reason; None for `until somebody lifts it`."""

    by: str
    reason: str
    until: float | None = None


@dataclass(frozen=True, slots=True)
class QueueSeen:
    """The own place in the queue, counted from 1, and who is ahead, the holder first."""

    position: int
    ahead: tuple[Ahead, ...] = ()
    waited_seconds: float = 0.0
    since: float | None = None
    gives_up: float | None = None
    """When it stops waiting."""
    turn: float | None = None
    """About when it may begin; None where one of those ahead may take any time."""
    frozen: Frozen | None = None
    remarks: tuple[str, ...] = ()
    away_seconds: float | None = None
    """Since when the registry does not answer: the rest is what it said before."""


@dataclass(frozen=True, slots=True)
class Gap:
    """How long nobody watched, None where that is not known, and how many restarts there were."""

    seconds: float | None
    restarts: int = 1


@dataclass(frozen=True, slots=True)
class DeploymentView:
    """All that a message shows. `at` is when it was so; `moment` where the deployment stands."""

    correlation_id: str
    moment: NotificationEvent
    at: float
    environment: str = ""
    stacks: tuple[StackSeen, ...] = ()
    origin: Origin = field(default_factory=Origin)
    links: Links = field(default_factory=Links)
    thread: str = ""
    """The address of the message in Slack whose thread tells the story."""
    locks: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    """The people to call where somebody is needed: Slack's ids of users (U..., W...) and groups (S...),
    `here`, `channel`. By configuration alone, never from elsewhere."""

    queue: QueueSeen | None = None
    queue_seconds: float = 0.0

    started: float | None = None
    """When the deployment itself began."""
    estimate: Estimate | None = None
    """Of the whole of it, made before it began."""
    left: Estimate | None = None
    """The time left, counted from `at`."""
    done: int = 0
    planned: int | None = None
    rolling_back: bool = False
    deleted: bool = False
    """All that it did was to delete stacks, and it did."""
    teardown: bool = False
    """It is about deleting stacks."""
    running: tuple[ResourceSeen, ...] = ()
    """The activities in progress, longest first; `running_count` counts all of it."""
    running_count: int = 0
    stalled: tuple[ResourceSeen, ...] = ()
    """The resources that stand still at present."""
    late: bool = False
    """It takes longer than the estimate allowed."""

    subject: ResourceSeen | None = None
    """The subject of a stall or its end."""
    warning: CauseSeen | None = None
    gap: Gap | None = None
    remark: str = ""
    """The words of a takeover, or about the registry."""
    registry_news: RegistryNews = RegistryNews.LOST

    outcome: Outcome | None = None
    """None until the deployment has ended."""
    not_started: bool = False
    """It was refused before anything was changed."""
    duration_seconds: float | None = None
    causes: tuple[CauseSeen, ...] = ()
    cause_count: int = 0
    failure: Failure | None = None
    exit_code: int | None = None
    outputs: tuple[tuple[str, str], ...] = ()
    """Those that were asked to be shown, in order."""
    fallback: str = ""
    notes: tuple[str, ...] = ()

    def at_moment(self, moment: NotificationEvent, *, at: float, **changes: object) -> DeploymentView:
        """The same deployment, later: what was measured goes on. A final moment stays."""
        if self.moment.final:
            return self
        later = self._aged(max(0.0, at - self.at))
        return replace(later, moment=moment, at=at, **changes)  # type: ignore[arg-type]  # checked by the class

    def _aged(self, seconds: float) -> DeploymentView:
        def older(found: tuple[ResourceSeen, ...]) -> tuple[ResourceSeen, ...]:
            return tuple(replace(one, seconds=one.seconds + seconds) for one in found)

        queue, left = self.queue, self.left
        if queue is not None:
            queue = replace(queue, waited_seconds=queue.waited_seconds + seconds)
        if left is not None:
            left = replace(
                left,
                low_seconds=max(0.0, left.low_seconds - seconds),
                mid_seconds=max(0.0, left.mid_seconds - seconds),
                high_seconds=max(0.0, left.high_seconds - seconds),
            )
        return replace(self, queue=queue, left=left, running=older(self.running), stalled=older(self.stalled))


def cut(text: str) -> str:
    return text if len(text) <= TEXT_MAX else text[: TEXT_MAX - 1] + "…"


def cut_middle(text: str, length: int = TEXT_MAX) -> str:
    """For several sentences in order of time: both what came first and what came last is left."""
    head = length // 2
    return text if len(text) <= length else f"{text[:head].rstrip()} … {text[head + 3 - length :].lstrip()}"
