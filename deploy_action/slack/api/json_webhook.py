"""`ports.Messenger` on a webhook that takes JSON: Microsoft Teams, or a service of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_action.slack.api.bot import TIMEOUT_SECONDS
from deploy_action.slack.api.client import silent_logger
from deploy_action.slack.api.refusals import retry_after, unanswered
from deploy_action.slack.api.webhook import OneWay
from deploy_action.slack.outbox import NotDelivered, Trouble

if TYPE_CHECKING:
    from slack_sdk.webhook import WebhookResponse

    from deploy_action.slack.ports import Announcement

WHO = "The webhook"
_AGAIN = {408, 425, 429}


class JsonWebhook(OneWay):
    """The announcement's only block is the document. The SDK's client carries it: it knows proxies and
    certificates, follows no redirect, and sends nothing unencrypted."""

    def __init__(self, url: str, *, timeout: float = TIMEOUT_SECONDS) -> None:
        self._url = url
        self._timeout = timeout

    def say(self, message: Announcement) -> None:
        body = dict(message.blocks[0]) if message.blocks else {"text": message.text}
        try:
            answer = self._send(body)
        except NotDelivered:
            raise
        except Exception as error:
            raise unanswered(error, WHO, self._url) from error
        status = int(answer.status_code)
        if 200 <= status < 300:
            return
        after = retry_after(answer.headers)
        # Neither the body nor the address: either may hold a secret.
        reason = f"{WHO} answered {status}."
        if status >= 500 or status in _AGAIN:
            raise NotDelivered(Trouble(reason, doubtful=status >= 500, retry_seconds=after))
        gone = status in {401, 403, 404, 410}
        raise NotDelivered(Trouble(reason, permanent=True, ours=gone, all_of_channel=gone))

    def _send(self, body: dict[str, Any]) -> WebhookResponse:
        from deploy_action.slack.api.strict import StrictWebhookClient

        client = StrictWebhookClient(
            self._url,
            timeout=self._timeout,  # type: ignore[arg-type]  # a socket takes fractions too
            logger=silent_logger(),
            retry_handlers=[],
        )
        return client.send_dict(body)
