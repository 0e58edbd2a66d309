"""Where a moment of a deployment is told: in the one message, in its thread, in the channel, to whom is
called."""

from __future__ import annotations

from dataclasses import dataclass, field

from deploy_action.slack.outbox import Kind
from deploy_action.slack.view import NotificationEvent

_SILENT = frozenset(
    {
        NotificationEvent.PROGRESS,
        NotificationEvent.QUEUED,
        NotificationEvent.STARTED,
        NotificationEvent.SKIPPED,
        NotificationEvent.NOT_STARTED,
    }
)
"""Only the message itself shows them: a thread that repeats it tells nothing."""
_BESIDE = frozenset({NotificationEvent.TAKEOVER})
"""The message itself stays as it is."""
_CALLED_FOR = frozenset(
    {
        NotificationEvent.FAILED,
        NotificationEvent.ROLLED_BACK,
        NotificationEvent.TIMED_OUT,
        NotificationEvent.UNKNOWN,
    }
)
"""Ends that are shown in the channel, too, and that people may be called for."""
_PHASES = frozenset({NotificationEvent.PROGRESS, NotificationEvent.QUEUED})
"""May be left out of the message itself; all other states of it are kept true."""


@dataclass(frozen=True, slots=True)
class Override:
    """The treatment of an event in place of the usual. `channels`: posted there, in place of the alert
    channel."""

    off: bool = False
    alert: bool = False
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Routing:
    """Channels by id or name; an empty one does not exist. `webhook`: start and end are all there is.
    `further`: channels that have the deployment's message too, each with a thread of its own."""

    channel: str = ""
    alert_channel: str = ""
    overrides: dict[NotificationEvent, Override] = field(default_factory=dict)
    webhook: bool = False
    further: tuple[str, ...] = ()

    @property
    def channels(self) -> tuple[str, ...]:
        """All that anything may be told in."""
        own = (self.channel, *self.further, self.alert_channel)
        others = (channel for override in self.overrides.values() for channel in override.channels)
        return tuple(dict.fromkeys(channel for channel in (*own, *others) if channel))

    def of_further(self, channel: str) -> Routing:
        """Of one of the further channels: its message with the thread. What is posted elsewhere, the first
        channel's routing posts."""
        off = {moment: override for moment, override in self.overrides.items() if override.off}
        return Routing(channel, overrides=off)


@dataclass(frozen=True, slots=True)
class Place:
    """`kind` of message, and its channel; empty for a webhook's own."""

    kind: Kind
    channel: str = ""


def places(moment: NotificationEvent, routing: Routing) -> tuple[Place, ...]:
    """Where this moment is told; the parent message first. Empty where it is not."""
    override = routing.overrides.get(moment)
    off = override is not None and override.off
    if routing.webhook:
        # A webhook cannot update: what was said of the beginning stands until the end.
        return (
            (Place(Kind.WEBHOOK),)
            if (moment is NotificationEvent.STARTED or moment.final) and not off
            else ()
        )
    found: list[Place] = []
    if not (moment in _BESIDE or (off and moment in _PHASES)):
        found.append(Place(Kind.PARENT, routing.channel))
    if off:
        return tuple(found)
    if moment not in _SILENT:
        found.append(Place(Kind.BROADCAST if moment in _CALLED_FOR else Kind.REPLY, routing.channel))
    found += [Place(Kind.POST, channel) for channel in _alerts(moment, routing, override)]
    return tuple(found)


def calls(moment: NotificationEvent) -> bool:
    """Whether people are called by name."""
    return moment in _CALLED_FOR


def _alerts(moment: NotificationEvent, routing: Routing, override: Override | None) -> tuple[str, ...]:
    usual = (routing.alert_channel,) if routing.alert_channel else ()
    if override is None:
        chosen = usual if moment.needs_somebody else ()
    else:
        chosen = (*override.channels, *(usual if override.alert else ()))
    # What is broadcast stands in these channels already.
    shown = {routing.channel, *routing.further} if moment in _CALLED_FOR else set()
    return tuple(channel for channel in dict.fromkeys(chosen) if channel not in shown)
