"""Messages in Slack. What goes wrong here is a sentence in the log and never more than that.

Proxies come from HTTPS_PROXY, else HTTP_PROXY, unless NO_PROXY names the host.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from slack_sdk import WebClient
    from slack_sdk.webhook import WebhookClient, WebhookResponse

    from deploy_action.ports import Announcement

API_URL = "https://slack.com/api/"
EVENT_TYPE = "deployment"

_REMEDIES = {
    "account_inactive": "the token was revoked; install the app again",
    "action_prohibited": "an administrator restricts the webhook",
    "channel_is_archived": "the channel is archived",
    "channel_not_found": "no such channel, or the app is not in it: use the channel's id and /invite the app",
    "invalid_auth": "the token is not valid",
    "invalid_blocks": "it does not accept the layout of the message",
    "is_archived": "the channel is archived",
    "missing_scope": "the app lacks a scope",
    "msg_too_long": "the message is too long",
    "no_service": "the webhook was removed",
    "not_authed": "there is no token",
    "not_in_channel": "the app is not in the channel: /invite it there",
    "ratelimited": "too many messages in a short time",
    "token_expired": "the token has expired",
    "token_revoked": "the token was revoked",
}
_MESSAGE_IS_OUT_OF_REACH = frozenset(
    {"cant_update_message", "channel_not_found", "edit_window_closed", "message_not_found"}
)


class _Failed(Exception):
    """One sentence for the log, without token or address. `code` is Slack's, empty where it gave none."""

    def __init__(self, sentence: str, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code


class SlackBotNotifier:
    """`ports.Notifier` with a bot token (`chat:write`): one message that is updated, alerts beside it.

    At most one request at the start and three at the end, each limited to `timeout` seconds of silence and
    none repeated: a repeated post could appear twice. A message that can no longer be updated is posted anew.
    Texts must be escaped already.

    `thread_ts` and `channel_id` name the message that `started` posted, None before. Another process that
    goes on with this message hands both in: Slack updates a message by the channel's id only.
    """

    def __init__(
        self,
        token: str,
        channel: str,
        alert_channel: str = "",
        *,
        base_url: str = API_URL,
        thread_ts: str | None = None,
        channel_id: str | None = None,
        correlation_id: str = "",
        timeout: int = 5,
    ) -> None:
        self._token = token
        self._channel = channel
        self._alert_channel = alert_channel
        self._base_url = base_url if base_url.endswith("/") else f"{base_url}/"
        self._correlation_id = correlation_id
        self._timeout = timeout
        self.thread_ts = thread_ts
        self.channel_id = channel_id

    def started(self, message: Announcement) -> str | None:
        return _attempted(lambda: self._post_first(message))

    def finished(self, message: Announcement) -> str | None:
        failures = [_attempted(lambda: self._update(message))]
        if message.alert and self._alert_channel:
            failures.append(_attempted(lambda: self._post(self._alert_channel, message)))
        return " ".join(failure for failure in failures if failure) or None

    def _post_first(self, message: Announcement) -> None:
        answer = self._post(self._channel, message)
        ts, channel = answer.get("ts"), answer.get("channel")
        if not (isinstance(ts, str) and isinstance(channel, str)):
            raise _Failed("Slack's answer does not name the message.")
        self.thread_ts, self.channel_id = ts, channel

    def _update(self, message: Announcement) -> None:
        if self.thread_ts is None:
            self._post_first(message)
            return
        channel = self.channel_id or self._channel
        try:
            self._call("chat.update", channel, message, ts=self.thread_ts)
        except _Failed as failure:
            if failure.code not in _MESSAGE_IS_OUT_OF_REACH:
                raise
            self._post_first(message)

    def _post(self, channel: str, message: Announcement) -> Any:
        return self._call("chat.postMessage", channel, message, unfurl_links=False, unfurl_media=False)

    def _call(self, method: str, channel: str, message: Announcement, **details: object) -> Any:
        from slack_sdk.errors import SlackApiError

        about = {"event_type": EVENT_TYPE, "event_payload": {"correlation_id": self._correlation_id}}
        body = {
            "channel": channel,
            "text": message.text,
            "blocks": list(message.blocks),
            "metadata": about,
            **details,
        }
        try:
            return self._client().api_call(method, json=body)
        except SlackApiError as error:
            raise _refused(error.response, channel) from error

    def _client(self) -> WebClient:
        from slack_sdk import WebClient

        return WebClient(token=self._token, base_url=self._base_url, timeout=self._timeout, retry_handlers=[])


class SlackWebhookNotifier:
    """`ports.Notifier` on an incoming webhook: one message at the start, one at the end.

    A webhook can update nothing and cannot choose its channel, so alerts are not told apart. Its messages
    have no identity: `thread_ts` is None.
    """

    thread_ts: str | None = None
    channel_id: str | None = None

    def __init__(self, url: str, *, timeout: int = 5) -> None:
        self._url = url
        self._timeout = timeout

    def started(self, message: Announcement) -> str | None:
        return _attempted(lambda: self._send(message))

    def finished(self, message: Announcement) -> str | None:
        return _attempted(lambda: self._send(message))

    def _send(self, message: Announcement) -> None:
        answer: WebhookResponse = self._client().send(
            text=message.text, blocks=list(message.blocks) or None, unfurl_links=False, unfurl_media=False
        )
        if answer.status_code == 429:
            raise _Failed(_sentence("ratelimited"))
        if answer.status_code != 200:
            raise _Failed(_sentence(answer.body if answer.body.isidentifier() else str(answer.status_code)))

    def _client(self) -> WebhookClient:
        from slack_sdk.webhook import WebhookClient

        return WebhookClient(self._url, timeout=self._timeout, retry_handlers=[])


def _attempted(send: Callable[[], None]) -> str | None:
    try:
        send()
    except _Failed as failure:
        return str(failure)
    except Exception as error:  # noqa: BLE001 - whatever breaks in here, the deployment goes on
        # The words of foreign errors may hold the token or the address; their type does not.
        return f"Slack could not be reached ({type(error).__name__})."
    return None


def _refused(response: Any, channel: str) -> _Failed:
    if response.status_code >= 500:
        return _Failed(f"Slack answered {response.status_code}.")
    code = str(response.get("error", "")) or str(response.status_code)
    words = _sentence(code, f" for {channel}")
    if needed := response.get("needed"):
        words += f" Needed: {needed}."
    details = (response.get("response_metadata") or {}).get("messages") or []
    if details:
        words += " " + " ".join(json.dumps(str(detail)[:200]) for detail in details[:3])
    return _Failed(words, code)


def _sentence(code: str, where: str = "") -> str:
    reason = _REMEDIES.get(code)
    return f"Slack did not take the message{where}: {f'{reason} ({code})' if reason else code}."
