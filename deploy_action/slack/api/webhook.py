"""`ports.Messenger` on an incoming webhook: it can say something, and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from deploy_action.slack.api.bot import TIMEOUT_SECONDS
from deploy_action.slack.api.client import silent_logger
from deploy_action.slack.api.refusals import by_code, guarded, retry_after
from deploy_action.slack.outbox import CannotLook, NotDelivered, Trouble

if TYPE_CHECKING:
    from typing import NoReturn

    from slack_sdk.webhook import WebhookResponse

    from deploy_action.slack.ports import Announcement, Posted


class OneWay:
    """A webhook cannot choose its channel, update or look up: what may have been said is said again."""

    def post(self, channel: str, message: Announcement, **_: object) -> Posted:  # noqa: ARG002
        _cannot()

    def update(self, channel_id: str, ts: str, message: Announcement, *, key: str) -> None:  # noqa: ARG002
        _cannot()

    def find(self, channel: str, **_: object) -> Posted | None:  # noqa: ARG002
        raise CannotLook("A webhook cannot look into its channel.")

    def link(self, channel_id: str, ts: str) -> str:  # noqa: ARG002
        return ""


class SlackWebhook(OneWay):
    """An incoming webhook of Slack."""

    def __init__(self, url: str, *, timeout: float = TIMEOUT_SECONDS) -> None:
        self._url = url
        self._timeout = timeout

    def say(self, message: Announcement) -> None:
        answer = guarded(lambda: self._send(message))
        if answer.status_code == 200:
            return
        if answer.status_code == 429:
            after = retry_after(answer.headers)
            raise NotDelivered(Trouble(by_code("ratelimited", "").trouble.reason, retry_seconds=after))
        if answer.status_code >= 500:
            raise NotDelivered(Trouble(f"Slack answered {answer.status_code}.", doubtful=True))
        raise by_code(_code_of(answer.body) or str(answer.status_code), "")

    def _send(self, message: Announcement) -> WebhookResponse:
        from deploy_action.slack.api.strict import StrictWebhookClient

        client = StrictWebhookClient(
            self._url,
            timeout=self._timeout,  # type: ignore[arg-type]  # a socket takes fractions too
            logger=silent_logger(),
            retry_handlers=[],
        )
        blocks = list(message.blocks) or None
        return client.send(text=message.text, blocks=blocks, unfurl_links=False, unfurl_media=False)


def _code_of(body: str) -> str:
    """Slack's code for the refusal: the plain text of an incoming webhook, or the `error` of a JSON answer,
    as Workflow Builder and proxies of Slack give it; empty where there is none."""
    text = body.strip()
    try:
        given = json.loads(text)
    except ValueError:
        given = text
    code = given.get("error") if isinstance(given, dict) else given
    return code if isinstance(code, str) and code.isidentifier() else ""


def _cannot() -> NoReturn:
    raise NotDelivered(
        Trouble("A message for a channel cannot be sent through a webhook.", permanent=True, ours=True)
    )
