"""The SDK's client as we use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.adapters.slack.trust import silent_logger, tls_context

if TYPE_CHECKING:
    from slack_sdk import WebClient


def web_client(token: str, base_url: str, timeout_seconds: float) -> WebClient:
    """Asks once: what is asked again is decided elsewhere."""
    from deploy_action.adapters.slack.strict import StrictWebClient

    return StrictWebClient(
        token=token,
        base_url=base_url if base_url.endswith("/") else f"{base_url}/",
        timeout=timeout_seconds,  # type: ignore[arg-type]  # a socket takes fractions too
        ssl=tls_context(),
        logger=silent_logger(),
        retry_handlers=[],
    )
