"""`ports.Messenger` with a bot token: messages, replies, updates, and looking for what was posted.

Proxies come from HTTPS_PROXY, else HTTP_PROXY, unless NO_PROXY names the host. Nothing is repeated here: a
repeated post could appear twice. Texts must be escaped already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_action.slack.api.client import web_client
from deploy_action.slack.api.refusals import guarded
from deploy_action.slack.outbox import CannotLook, NotDelivered, Trouble
from deploy_action.slack.ports import Posted

if TYPE_CHECKING:
    from slack_sdk import WebClient

    from deploy_action.slack.ports import Announcement

API_URL = "https://slack.com/api/"
EVENT_TYPE = "deployment"
TIMEOUT_SECONDS = 10
PAGES_MAX = 5
PAGE = 100
LINK_MAX = 500


class SlackBot:
    """One request each, limited to `timeout` seconds of silence (`find`: up to PAGES_MAX)."""

    def __init__(
        self,
        token: str,
        *,
        correlation_id: str,
        base_url: str = API_URL,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._token = token
        self._base_url = base_url
        self._correlation_id = correlation_id
        self._timeout = timeout
        self._web_client: WebClient | None = None

    def post(
        self, channel: str, message: Announcement, *, key: str, thread_ts: str = "", broadcast: bool = False
    ) -> Posted:
        details: dict[str, object] = {"unfurl_links": False, "unfurl_media": False}
        if thread_ts:
            details |= {"thread_ts": thread_ts, "reply_broadcast": broadcast}
        answer = self._call("chat.postMessage", channel, {**self._content(message, key), **details})
        ts, identity = answer.get("ts"), answer.get("channel")
        if not (isinstance(ts, str) and ts and isinstance(identity, str) and identity):
            raise NotDelivered(Trouble("Slack's answer does not name the message.", doubtful=True))
        return Posted(ts, identity)

    def update(self, channel_id: str, ts: str, message: Announcement, *, key: str) -> None:
        self._call("chat.update", channel_id, {**self._content(message, key), "ts": ts})

    def find(self, channel: str, *, key: str, since: float, thread_ts: str = "") -> Posted | None:
        method = "conversations.replies" if thread_ts else "conversations.history"
        asked: dict[str, object] = {"oldest": f"{since:.6f}", "limit": PAGE, "include_all_metadata": "true"}
        if thread_ts:
            asked["ts"] = thread_ts
        for _ in range(PAGES_MAX):
            answer = self._looked(method, channel, asked)
            for message in answer.get("messages") or ():
                if isinstance(message, dict) and self._is_ours(message, key):
                    return Posted(str(message.get("ts", "")), channel)
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None
            asked["cursor"] = cursor
        raise CannotLook("The channel has too many newer messages.")

    def link(self, channel_id: str, ts: str) -> str:
        asked = {"channel": channel_id, "message_ts": ts}
        try:
            answer = guarded(lambda: self._client().api_call("chat.getPermalink", params=asked), channel_id)
        except NotDelivered:
            return ""
        found = answer.get("permalink")
        return found if isinstance(found, str) and len(found) <= LINK_MAX else ""

    def say(self, message: Announcement) -> None:  # noqa: ARG002
        raise NotDelivered(
            Trouble("A message for a webhook cannot be sent with a bot token.", permanent=True)
        )

    def _looked(self, method: str, channel: str, asked: dict[str, object]) -> Any:
        from slack_sdk.errors import SlackApiError

        def read() -> Any:
            try:
                return self._client().api_call(method, params={"channel": channel, **asked})
            except SlackApiError as error:
                data = error.response.data
                code = data.get("error") if isinstance(data, dict) else ""
                if code in _NO_LOOK:
                    raise CannotLook(_NO_LOOK[code]) from error
                raise

        return guarded(read, channel)

    def _is_ours(self, message: dict[str, Any], key: str) -> bool:
        about = message.get("metadata")
        payload = about.get("event_payload") if isinstance(about, dict) else None
        return payload == self._payload(key)

    def _payload(self, key: str) -> dict[str, str]:
        return {"correlation_id": self._correlation_id, "entry": key}

    def _content(self, message: Announcement, key: str) -> dict[str, object]:
        about = {"event_type": EVENT_TYPE, "event_payload": self._payload(key)}
        return {"text": message.text, "blocks": list(message.blocks), "metadata": about}

    def _call(self, method: str, channel: str, body: dict[str, object]) -> Any:
        return guarded(lambda: self._client().api_call(method, json={"channel": channel, **body}), channel)

    def _client(self) -> WebClient:
        if self._web_client is None:
            self._web_client = web_client(self._token, self._base_url, self._timeout)
        return self._web_client


_NO_LOOK = {
    "missing_scope": "The app lacks the scope channels:history (groups:history in a private channel).",
    "channel_not_found": "Looking into a channel needs its id, such as C0123456789, in place of its name.",
    "not_in_channel": "The app is not in the channel.",
    "method_not_supported_for_channel_type": "The channel is of a kind that cannot be looked into.",
}
