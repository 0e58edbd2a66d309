"""The names of a deployment's outboxes, by which the retry queue tells them apart."""

from __future__ import annotations

_CHANNEL_MARK = "+"
_WEBHOOK_SUFFIX = "-webhook"


def of_channel(correlation_id: str, channel: str) -> str:
    """Of Slack's second and each further channel; the first one's is named as the deployment."""
    return f"{correlation_id}{_CHANNEL_MARK}{channel}"


def of_webhook(correlation_id: str) -> str:
    return f"{correlation_id}{_WEBHOOK_SUFFIX}"


def deployment_of(name: str) -> str:
    """The correlation id in it."""
    return name.partition(_CHANNEL_MARK)[0].removesuffix(_WEBHOOK_SUFFIX)
