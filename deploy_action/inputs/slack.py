"""The inputs about Slack. None of them refuses a deployment: what is wrong is left out, with a warning."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from deploy_action.inputs import slack_values as slack_words
from deploy_action.inputs.fields import Fields
from deploy_action.inputs.values import web_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from deploy_action.slack.routing import Override
    from deploy_action.slack.view import NotificationEvent

T = TypeVar("T")

CHANNELS_MAX = 5
_QUOTED = re.compile(r"`[^`]*`")
"""The word that a sentence is about begins it."""


class SlackFields(Fields):
    """Each method reads one input. A mistake is one warning, which never repeats an address."""

    def _slack_bot_token(self) -> str:
        token = self._text("slack-bot-token")
        if self._text("slack-channel") and not (token or self._text("slack-webhook-url")):
            self._warn(
                "`slack-channel` is given, and both `slack-bot-token` and `slack-webhook-url` are empty. "
                "Slack gets no messages. Look whether the secret has that name and is there for this "
                "environment and event; runs of forks and Dependabot get none."
            )
        if token and not self._text("slack-channel"):
            self._warn(
                "`slack-channel` is empty, so the bot token has nowhere to write. Slack gets no messages."
            )
            return ""
        return token

    def _slack_webhook(self) -> str:
        return self._tried("slack-webhook-url", self._text("slack-webhook-url"), webhook_address, "")

    def _slack_api_url(self) -> str:
        return self._tried("slack-api-url", self._text("slack-api-url"), web_address, "")

    def _slack_channel(self, name: str) -> str:
        words = re.split(r"[\s,]+", self._text(name))
        if len(words) > 1:
            self._warn(
                f"`{name}` names {len(words)} channels and takes one: messages go to the first. Give "
                "others in `slack-events`."
            )
        return self._tried(name, words[0], slack_words.channel, "")

    def _slack_channels(self) -> tuple[str, ...]:
        """Each has a message of its own."""
        words = re.split(r"[\s,]+", self._text("slack-channel"))
        found = tuple(dict.fromkeys(self._each("slack-channel", words, slack_words.channel)))
        if len(found) > CHANNELS_MAX:
            self._warn(
                f"`slack-channel` names {len(found)} channels: messages go to the first {CHANNELS_MAX}, "
                "since Slack limits how often one app may write."
            )
        return found[:CHANNELS_MAX]

    def _slack_events(self) -> dict[NotificationEvent, Override]:
        found: dict[NotificationEvent, Override] = {}
        lines = self._lines("slack-events")
        for one in self._each("slack-events", lines, lambda line: slack_words.overrides([line])):
            for moment, override in one.items():
                if moment in found:
                    self._warn(f"`slack-events`: `{moment.value}` is given twice; the first one counts.")
                found.setdefault(moment, override)
        return found

    def _slack_mentions(self) -> tuple[str, ...]:
        words = re.split(r"[\s,]+", self._text("slack-mentions"))
        return _joined(self._each("slack-mentions", words, slack_words.mentions))

    def _slack_outputs(self) -> tuple[str, ...]:
        words = re.split(r"[\s,]+", self._text("slack-outputs"))
        return _joined(self._each("slack-outputs", words, slack_words.outputs))

    def _each(self, name: str, words: Iterable[str], parse: Callable[[str], T]) -> list[T]:
        """The right ones among the words; what is wrong in the same way is one warning."""
        found: list[T] = []
        wrong: dict[str, list[str]] = {}
        for word in filter(None, words):
            try:
                found.append(parse(word))
            except ValueError as error:
                quoted = _QUOTED.match(str(error))
                subject = quoted[0] if quoted else ""
                wrong.setdefault(str(error).removeprefix(subject), []).append(subject)
        for reason, subjects in wrong.items():
            first, *others = dict.fromkeys(subjects)
            beside = f" (and {', '.join(others)})" if others else ""
            self._warn(f"`{name}`: {first}{beside}{reason} Slack does without it.")
        return found

    def _tried(self, name: str, text: str, parse: Callable[[str], T], default: T) -> T:
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self._warn(f"`{name}`: {error} Slack does without it.")
            return default


def webhook_address(text: str) -> str:
    """The address of an incoming webhook. Raises ValueError, which does not repeat it: it is a secret."""
    path = urlsplit(web_address(text)).path
    if re.match(r"/(triggers|workflows)/", path):
        raise ValueError(
            "it is the address of a workflow in Slack's Workflow Builder, which takes no messages. Make an "
            "incoming webhook (https://hooks.slack.com/services/…) instead."
        )
    return text


def _joined(parts: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for part in parts for word in part))
