"""Where a moment of a deployment is told: in the one message, in its thread, in the channel, to whom is
called."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from deploy_action.core.channel import Moment
from deploy_action.core.outbox import Kind

_WORDS = {"off", "thread", "alert"}
_CHANNEL = re.compile(r"(?:[CGD][A-Z0-9]{1,20}|#[\w-]{1,80})")
_MENTION = re.compile(r"[UWS][A-Z0-9]{2,20}")
_SILENT = frozenset({Moment.PROGRESS, Moment.QUEUED, Moment.STARTED, Moment.SKIPPED})
"""Only the message itself shows them: a thread that repeats it tells nothing."""
_BESIDE = frozenset({Moment.TAKEOVER})
"""The message itself stays as it is."""
_CALLED_FOR = frozenset({Moment.FAILED, Moment.ROLLED_BACK, Moment.TIMED_OUT, Moment.UNKNOWN})
"""Ends that are shown in the channel, too, and that people may be called for."""
_PHASES = frozenset({Moment.PROGRESS, Moment.QUEUED})
"""May be left out of the message itself; all other states of it are kept true."""


@dataclass(frozen=True, slots=True)
class Override:
    """What an event does in place of the usual. `channels`: posted there, in place of the alert channel."""

    off: bool = False
    thread: bool = True
    alert: bool = False
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Routing:
    """Channels by id or name; an empty one does not exist. `webhook`: start and end are all there is."""

    channel: str = ""
    alert_channel: str = ""
    overrides: dict[Moment, Override] = field(default_factory=dict)
    webhook: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """`kind` of message, and its channel; empty for a webhook's own."""

    kind: Kind
    channel: str = ""


def places(moment: Moment, routing: Routing) -> tuple[Place, ...]:
    """Where this moment is told; the parent message first. Empty where it is not."""
    override = routing.overrides.get(moment)
    off = override is not None and override.off
    if routing.webhook:
        # A webhook cannot update: what was said of the beginning stands until the end.
        return (Place(Kind.WEBHOOK),) if (moment is Moment.STARTED or moment.final) and not off else ()
    found: list[Place] = []
    if not (moment in _BESIDE or (off and moment in _PHASES)):
        found.append(Place(Kind.PARENT, routing.channel))
    if off:
        return tuple(found)
    if moment not in _SILENT:
        found.append(Place(Kind.BROADCAST if moment in _CALLED_FOR else Kind.REPLY, routing.channel))
    found += [Place(Kind.POST, channel) for channel in _alerts(moment, routing, override)]
    return tuple(found)


def calls(moment: Moment) -> bool:
    """Whether people are called by name."""
    return moment in _CALLED_FOR


def _alerts(moment: Moment, routing: Routing, override: Override | None) -> tuple[str, ...]:
    usual = (routing.alert_channel,) if routing.alert_channel else ()
    if override is None:
        chosen = usual if moment.needs_somebody else ()
    else:
        chosen = (*override.channels, *(usual if override.alert else ()))
    # What is broadcast stands in the channel already.
    shown = {routing.channel} if moment in _CALLED_FOR else set()
    return tuple(channel for channel in dict.fromkeys(chosen) if channel not in shown)


def parse_channel(text: str) -> str:
    """A channel's id or name; raises ValueError with a sentence for people."""
    name = text if re.match(r"[#CGD]", text) else f"#{text}"
    if not _CHANNEL.fullmatch(name):
        raise ValueError(f"`{text}` is not a channel, such as C0123456789 or #deploys.")
    return text


def parse_overrides(lines: list[str]) -> dict[Moment, Override]:
    """From lines such as `stalled: C0123456789 alert`; raises ValueError with a sentence for people."""
    found: dict[Moment, Override] = {}
    for line in lines:
        name, colon, rest = line.partition(":")
        words = re.split(r"[\s,]+", rest.strip()) if rest.strip() else []
        moment = _moment(name.strip())
        if not colon or not words:
            raise ValueError(f"`{line}` is none of `EVENT: off`, `: thread`, `: alert` or `: CHANNEL`.")
        if moment in found:
            raise ValueError(f"`{name.strip()}` stands there twice.")
        if "off" in words and len(words) > 1:
            raise ValueError(f"`{line}`: `off` stands alone.")
        channels = tuple(parse_channel(word) for word in words if word not in _WORDS)
        found[moment] = Override(off="off" in words, alert="alert" in words, channels=channels)
    return found


def _moment(name: str) -> Moment:
    try:
        return Moment(name.lower().replace("_", "-"))
    except ValueError:
        names = ", ".join(moment.value for moment in Moment)
        raise ValueError(f"`{name}` is no event; there are {names}.") from None


def parse_mentions(text: str) -> tuple[str, ...]:
    """Slack's ids of users (U..., W...) and groups (S...), `here`, `channel`; raises ValueError."""
    found: list[str] = []
    for word in re.split(r"[\s,]+", text.strip()):
        name = word.removeprefix("@")
        if not (name in {"here", "channel"} or _MENTION.fullmatch(name)):
            raise ValueError(
                f"`{word}` is nobody's id. Give ids of users (U0123456789) or groups (S0123456789), "
                "`here` or `channel`."
            )
        found.append(name)
    return tuple(dict.fromkeys(found))


def parse_outputs(text: str) -> tuple[str, ...]:
    """Names of stack outputs, or how they begin with a `*` after it; raises ValueError."""
    names = re.split(r"[\s,]+", text.strip())
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9]{0,255}\*|[A-Za-z0-9]{1,255}", name):
            raise ValueError(f"`{name}` is not the name of a stack's output, nor a beginning with `*`.")
    return tuple(dict.fromkeys(names))
