"""Deployments on a line of time, as a page about many of them needs them: when, where, how it went, links.

Reading is forgiving, like `history.record_codec`: what cannot be placed in time is counted and left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from deploy_action.cloudformation.outcome import Outcome
from deploy_action.common.times import unix_seconds
from deploy_action.history.record_codec import damaged_parts, deployment_of
from deploy_action.reporting.outcome_words import ending_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deploy_action.common.instants import WallTime
    from deploy_action.history.deployments import Deployment

ENTRIES_MAX = 20_000
GOOD, BAD = frozenset({"succeeded", "no-changes"}), frozenset({"failed", "rolled-back"})
OTHERS = frozenset({"busy", "skipped", "cancelled", "unknown"})
_EARLIEST = 1_262_304_000.0
"""2010: CloudFormation is no older."""
_CLOCKS_APART_SECONDS = 86_400.0
_STACKS_MAX = 50
_TEXT_MAX = 300
_URL_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Entry:
    """A deployment with its times in unix seconds. `requested` is None where nobody knows it: such a
    deployment was collected from events and has no queue or lead time. Texts are as they were found."""

    deployment: Deployment
    ended: float
    requested: float | None = None
    committed: float | None = None
    """When the commit was made; None where nobody knows it."""
    environment: str = ""
    repository: str = ""
    actor: str = ""
    commit: str = ""
    url: str = ""
    cause: str = ""

    @property
    def outcome(self) -> str:
        found = self.deployment.outcome
        return found if found in GOOD | BAD | OTHERS else "unknown"

    @property
    def words(self) -> str:
        """How it ended, as log, summary and Slack say it."""
        runs = self.deployment.runs
        teardown = bool(runs) and all(run.kind == "delete" for run in runs)
        return ending_of(Outcome(self.outcome), deleted=teardown, teardown=teardown).value.label

    @property
    def succeeded(self) -> bool:
        """It changed something, and well."""
        return self.outcome == "succeeded"

    @property
    def good(self) -> bool:
        return self.outcome in GOOD

    @property
    def bad(self) -> bool:
        return self.outcome in BAD

    @property
    def lead_seconds(self) -> float | None:
        """From the commit to the end of the deployment that brought it: what DORA calls lead time."""
        return self._until_end(self.committed)

    @property
    def turnaround_seconds(self) -> float | None:
        """From the request to the end of a deployment that changed something."""
        return self._until_end(self.requested)

    def _until_end(self, since: float | None) -> float | None:
        if since is None or not self.succeeded or since > self.ended:
            return None
        return self.ended - since

    @property
    def queue_seconds(self) -> float | None:
        return None if self.requested is None else self.deployment.queue_seconds

    @property
    def stacks(self) -> tuple[str, ...]:
        return self.deployment.stacks

    @property
    def places(self) -> tuple[tuple[str, str], ...]:
        """The key that tells its stacks from others of that name: (account or else environment, stack)."""
        home = self.deployment.account or self.environment
        return tuple((home, stack) for stack in self.stacks or ("",))


@dataclass(frozen=True, slots=True)
class Unread:
    """A reason why `count` records are missing: `reason` goes on after "3 records are"."""

    reason: str
    count: int


@dataclass(frozen=True)
class Timeline:
    """Sorted by the end, oldest first. `unread`: what was left out, for people."""

    entries: tuple[Entry, ...] = ()
    unread: tuple[Unread, ...] = field(default=())


def timeline_of(records: Iterable[dict[str, Any]], *, now: WallTime) -> Timeline:
    """Of several records of one deployment the last counts, so that archives may overlap."""
    found: dict[str, Entry] = {}
    damaged = timeless = partly = 0
    for record in records:
        deployment = deployment_of(record)
        if deployment is None:
            damaged += 1
            continue
        entry = _entry_of(record, deployment, now)
        if entry is None:
            timeless += 1
            continue
        partly += damaged_parts(record, deployment) > 0
        found[deployment.correlation_id] = entry
    entries = sorted(found.values(), key=lambda entry: entry.ended)
    unread = [
        Unread("left out, being no record of a deployment", damaged),
        Unread("left out, having no time that makes sense", timeless),
        Unread("shown without the operations that could not be read", partly),
        Unread(f"left out, being older than the newest {ENTRIES_MAX:,}", max(0, len(entries) - ENTRIES_MAX)),
    ]
    return Timeline(tuple(entries[-ENTRIES_MAX:]), tuple(one for one in unread if one.count))


def _entry_of(record: dict[str, Any], deployment: Deployment, now: WallTime) -> Entry | None:
    def time(name: str) -> float | None:
        text = record.get(name)
        found = unix_seconds(text) if isinstance(text, str) and len(text) < 50 else None
        return found if found is not None and _EARLIEST <= found <= now + _CLOCKS_APART_SECONDS else None

    def text(name: str, limit: int = _TEXT_MAX) -> str:
        found = record.get(name)
        return found[:limit] if isinstance(found, str) else ""

    ended = time("released_at") or time("held_since") or time("requested_at")
    if ended is None:
        return None
    url = text("url", _URL_MAX + 1)
    return Entry(
        deployment=_bounded(deployment),
        ended=ended,
        requested=time("requested_at"),
        committed=time("committed_at"),
        environment=text("environment"),
        repository=text("repository"),
        actor=text("actor"),
        commit=text("commit"),
        url=url if len(url) <= _URL_MAX else "",
        cause=text("root_cause"),
    )


def _bounded(deployment: Deployment) -> Deployment:
    stacks: Sequence[str] = [stack[:_TEXT_MAX] for stack in deployment.stacks[:_STACKS_MAX] if stack]
    return replace(deployment, stacks=tuple(dict.fromkeys(stacks)))
