"""The ports of Slack, and of the disk that keeps unsent messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from deploy_action.slack.outbox import Outbox
    from deploy_action.slack.outbox_log import Record


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
    def box(self) -> Outbox: ...

    def write(self, record: Record) -> Outbox:
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
