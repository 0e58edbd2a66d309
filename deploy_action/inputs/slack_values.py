"""The words of the inputs about Slack: channels, events, people, outputs.

Each function raises ValueError with a sentence for people.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deploy_action.slack.routing import Override
    from deploy_action.slack.view import NotificationEvent

_WORDS = {"off", "thread", "alert"}
_CHANNEL = re.compile(r"(?:[CGD][A-Z0-9]{1,20}|#[\w-]{1,80})")
_MENTION = re.compile(r"[UWS][A-Z0-9]{2,20}")


def channel(text: str) -> str:
    """A channel's id or name; raises ValueError with a sentence for people."""
    name = text if re.match(r"[#CGD]", text) else f"#{text}"
    if not _CHANNEL.fullmatch(name):
        raise ValueError(f"`{text}` is not a channel, such as C0123456789 or #deploys.")
    return text


def overrides(lines: list[str]) -> dict[NotificationEvent, Override]:
    """From lines such as `stalled: C0123456789 alert`; raises ValueError with a sentence for people."""
    from deploy_action.slack.routing import Override

    found: dict[NotificationEvent, Override] = {}
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
        channels = tuple(channel(word) for word in words if word not in _WORDS)
        found[moment] = Override(off="off" in words, alert="alert" in words, channels=channels)
    return found


def _moment(name: str) -> NotificationEvent:
    from deploy_action.slack.view import NotificationEvent

    try:
        return NotificationEvent(name.lower().replace("_", "-"))
    except ValueError:
        names = ", ".join(moment.value for moment in NotificationEvent)
        raise ValueError(f"`{name}` is no event; there are {names}.") from None


def mentions(text: str) -> tuple[str, ...]:
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


def outputs(text: str) -> tuple[str, ...]:
    """Names of stack outputs, with `STACK/` before them or not, or how they begin with a `*` after it; raises
    ValueError."""
    names = re.split(r"[\s,]+", text.strip())
    for name in names:
        if not re.fullmatch(
            r"([a-z0-9-]{1,30}/)?([A-Za-z0-9-]{1,128}/)?([A-Za-z0-9]{0,255}\*|[A-Za-z0-9]{1,255})", name
        ):
            raise ValueError(f"`{name}` is not the name of a stack's output, nor a beginning with `*`.")
    return tuple(dict.fromkeys(names))
