"""Can Slack be told? Looks at the token, its scopes and the channels; writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from deploy_action.common.escape import one_line
from deploy_action.slack.api.bot import API_URL
from deploy_action.slack.api.client import web_client
from deploy_action.slack.api.refusals import guarded
from deploy_action.slack.outbox import NotDelivered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slack_sdk import WebClient

WARNING, NOTE = "warning", "note"
TIMEOUT_SECONDS = 5


class Finding(NamedTuple):
    """`level`: `warning` where something cannot be told, `note` where it works less well. Slack never keeps
    a deployment from anything, so nothing is worse than a warning."""

    level: str
    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class SlackAccess:
    """The subjects of the check: a bot token, and the channels that it writes to, by id or name."""

    token: str
    channels: tuple[str, ...] = ()
    base_url: str = API_URL
    timeout_seconds: float = TIMEOUT_SECONDS

    def client(self) -> WebClient:
        return web_client(self.token, self.base_url, self.timeout_seconds)

    def __repr__(self) -> str:
        """Without the token."""
        return f"SlackAccess(channels={self.channels!r})"


def check(access: SlackAccess) -> tuple[Finding, ...]:
    """Reasons that would keep messages from being delivered; () where all is well. One request, and one a
    channel. Never raises."""
    return tuple(_found(access))


def _found(access: SlackAccess) -> Iterator[Finding]:
    try:
        answer = guarded(lambda: access.client().api_call("auth.test"))
        scopes = _scopes(answer)
    except NotDelivered as error:
        if error.trouble.ours:
            yield Finding(WARNING, "Slack does not accept the token.", _reason(error))
        else:
            remedy = f"{error} Check the network and the proxy."
            yield Finding(WARNING, "Slack could not be asked.", remedy)
        return
    yield from _of_scopes(scopes)
    for channel in dict.fromkeys(access.channels):
        yield from _of_channel(access, channel, scopes)


def _of_scopes(scopes: frozenset[str] | None) -> Iterator[Finding]:
    if scopes is None:
        yield Finding(NOTE, "Slack does not say which scopes the token has.", "")
        return
    if "chat:write" not in scopes:
        yield Finding(
            WARNING, "The token lacks the scope chat:write.", "Add it to the app, and install the app again."
        )
    if not scopes & {"channels:history", "groups:history"}:
        yield Finding(
            NOTE,
            "The token lacks the scope channels:history (groups:history for private channels).",
            "Without it a message may appear twice after a time-out. Add it to the app.",
        )


def _of_channel(access: SlackAccess, channel: str, scopes: frozenset[str] | None) -> Iterator[Finding]:
    name = one_line(channel, 100)
    if not (channel[:1] in {"C", "G", "D"} and channel.isalnum()):
        yield Finding(
            NOTE,
            f"The channel {name} is given by its name.",
            "Give its id (in Slack: the channel's details): names change, and only ids can be looked into.",
        )
        return
    if scopes is not None and not scopes & {"channels:read", "groups:read"}:
        yield Finding(
            NOTE,
            f"Could not look up whether the app can write to {name}.",
            "The scope channels:read (groups:read for private channels) allows it.",
        )
        return
    try:
        answer = guarded(lambda: access.client().api_call("conversations.info", params={"channel": channel}))
        about = answer.get("channel")
    except NotDelivered as error:
        yield Finding(WARNING, f"The channel {name} cannot be used.", _reason(error))
        return
    if not isinstance(about, dict):
        yield Finding(NOTE, f"Slack says nothing about the channel {name}.", "")
        return
    if about.get("is_archived"):
        yield Finding(WARNING, f"The channel {name} is archived.", "Name another one, or open it again.")
    elif not about.get("is_member"):
        public = not about.get("is_private") and scopes is not None and "chat:write.public" in scopes
        yield Finding(
            NOTE if public else WARNING,
            f"The app is not in the channel {name}.",
            "It can write there, but not look into it: /invite it." if public else "/invite the app there.",
        )


def _reason(error: NotDelivered) -> str:
    """Slack's reason and what to do, as a sentence of its own."""
    words = str(error).removeprefix("Slack did not take the message: ")
    return words[:1].upper() + words[1:]


def _scopes(answer: Any) -> frozenset[str] | None:
    for name, value in (answer.headers or {}).items():
        if name.lower() == "x-oauth-scopes":
            text = value[0] if isinstance(value, list) and value else value
            return frozenset(part.strip() for part in str(text).split(",") if part.strip())
    return None
