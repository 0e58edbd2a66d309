"""The meaning of Slack's answers for a message: again later, never again, or perhaps it is there already."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from deploy_action.common.escape import one_line
from deploy_action.common.fault_classes import FaultClass, network_fault_of
from deploy_action.slack.outbox import CannotLook, NotDelivered, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    T = TypeVar("T")

_TOKEN = {
    "account_inactive": "the token was revoked; install the app again",
    "access_denied": "access is denied to the app",
    "action_prohibited": "an administrator restricts the webhook",
    "ekm_access_denied": "an administrator suspended posting",
    "enterprise_is_restricted": "the token is not for this workspace",
    "invalid_auth": "the token is not valid",
    "invalid_token": "the webhook's address is not valid",
    "missing_scope": "the app lacks a scope",
    "no_permission": "the token may not do this",
    "no_service": "the webhook was removed",
    "no_service_id": "the webhook's address is not whole",
    "no_team": "the webhook's workspace is gone",
    "not_allowed_token_type": "it is not a bot token",
    "not_authed": "there is no token",
    "team_access_not_granted": "the app is not in this workspace",
    "team_disabled": "the workspace is disabled",
    "token_expired": "the token has expired",
    "token_revoked": "the token was revoked",
}
_CHANNEL = {
    "channel_is_archived": "the channel is archived",
    "channel_not_found": "no such channel, or the app is not in it: use the channel's id and /invite the app",
    "is_archived": "the channel is archived",
    "not_in_channel": "the app is not in the channel: /invite it there",
    "posting_to_general_channel_denied": "only some may write in this channel",
    "restricted_action": "an administrator restricts who may write in the channel",
    "restricted_action_non_threadable_channel": "no threads may be begun in the channel",
    "restricted_action_read_only_channel": "the channel is read-only",
    "restricted_action_thread_locked": "the thread is locked",
    "restricted_action_thread_only_channel": "the channel takes replies only",
}
_MESSAGE = {
    "cant_update_message": "the app may not change the message",
    "cannot_reply_to_message": "the message cannot be replied to",
    "edit_window_closed": "the workspace does not let messages be changed",
    "invalid_arguments": "it does not accept the request",
    "invalid_blocks": "it does not accept the layout of the message",
    "invalid_blocks_format": "it does not accept the layout of the message",
    "invalid_metadata_format": "it does not accept the message's metadata",
    "invalid_payload": "it does not accept the request",
    "message_not_found": "the message to be changed is gone",
    "metadata_too_large": "the message's metadata is too large",
    "msg_blocks_too_long": "the message is too long",
    "msg_too_long": "the message is too long",
    "no_text": "the message is empty",
    "thread_not_found": "the message that it replies to is gone",
}
_LAYOUT = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"}
_LOST = {"cant_update_message", "channel_not_found", "edit_window_closed", "message_not_found"}
_BUSY = {"rate_limited", "ratelimited", "message_limit_exceeded"}
_DOUBTFUL = {"fatal_error", "internal_error", "request_timeout", "service_unavailable"}


def guarded(send: Callable[[], T], where: str = "") -> T:
    """Returns the answer of `send`; whatever goes wrong in it is a NotDelivered, without token or address."""
    try:
        return send()
    except (NotDelivered, CannotLook):
        raise
    except Exception as error:
        from slack_sdk.errors import SlackApiError

        if isinstance(error, SlackApiError):
            raise refused(error.response, where) from error
        raise unanswered(error) from error


def unanswered(error: BaseException, who: str = "Slack", url: str = "https://slack.com") -> NotDelivered:
    """The words of foreign errors may hold the token or the address; their type does not."""
    reason = getattr(error, "reason", None)
    cause = reason if isinstance(reason, BaseException) else error
    fault = network_fault_of(error, url=url, environ=os.environ)
    lasting = fault.kind is FaultClass.CONFIGURATION
    words = f"{who} could not be reached ({type(cause).__name__})."
    if lasting:
        words = f"{who} cannot be reached: {fault.what}. {fault.remedy}"
    # Only these are certain to happen before anything is sent.
    before = lasting or isinstance(cause, ConnectionRefusedError) or _unresolved(cause)
    return NotDelivered(Trouble(words, doubtful=not before, unheard=not before))


def refused(response: Any, where: str) -> NotDelivered:
    """From an answer that says no: `response` has `status_code`, `headers` and perhaps Slack's words."""
    data = response.data if isinstance(getattr(response, "data", None), dict) else {}
    code = str(data.get("error") or "")
    code = code if code.isidentifier() else ""  # the SDK puts its own words there for what is no JSON
    status, after = int(response.status_code), retry_after(response.headers or {})
    if status >= 500:
        return NotDelivered(Trouble(f"Slack answered {status}.", doubtful=True, retry_seconds=after))
    if status == 429 or code in _BUSY:
        words = sentence(code or "ratelimited", where)
        return NotDelivered(Trouble(words, retry_seconds=after))
    if not code:
        return NotDelivered(Trouble("Slack's answer cannot be read.", doubtful=True, unheard=True))
    return by_code(code, where, data)


def by_code(code: str, where: str, data: Mapping[str, Any] | None = None) -> NotDelivered:
    """From Slack's own word for what is wrong."""
    ours, of_channel = code in _TOKEN, code in _CHANNEL
    return NotDelivered(
        Trouble(
            sentence(code, where, data or {}),
            permanent=ours or of_channel or code in _MESSAGE or code in _LOST,
            doubtful=code in _DOUBTFUL,
            ours=ours,
            all_of_channel=ours or of_channel,
            text_only=code in _LAYOUT,
        ),
        lost=code in _LOST,
    )


def sentence(code: str, where: str = "", data: Mapping[str, Any] | None = None) -> str:
    """`Slack did not take the message for C0: the channel is archived (is_archived).`"""
    code = one_line(code, 80)
    busy = "too many messages in a short time" if code in _BUSY else ""
    reason = _TOKEN.get(code) or _CHANNEL.get(code) or _MESSAGE.get(code) or busy
    told = f"{reason} ({code})" if reason else code
    words = f"Slack did not take the message{f' for {where}' if where else ''}: {told}."
    if needed := (data or {}).get("needed"):
        words += f" Needed: {one_line(str(needed), 100)}."
    about = (data or {}).get("response_metadata")
    details = about.get("messages") if isinstance(about, dict) else None
    if isinstance(details, list) and details:
        words += " " + " ".join(json.dumps(str(detail)[:200]) for detail in details[:3])
    return words


def retry_after(headers: Mapping[str, Any]) -> float | None:
    """Seconds, from `Retry-After`; None where there is none that can be read."""
    for name, value in headers.items():
        if name.lower() == "retry-after":
            text = value[0] if isinstance(value, list) and value else value
            try:
                seconds = float(str(text))
            except ValueError:
                return None
            return seconds if 0 <= seconds < float("inf") else None
    return None


def _unresolved(error: BaseException) -> bool:
    import socket

    return isinstance(error, socket.gaierror)
