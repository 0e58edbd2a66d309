"""The SDK's client as we use it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slack_sdk import WebClient


def web_client(token: str, base_url: str, timeout_seconds: float) -> WebClient:
    """Asks once: what is asked again is decided elsewhere."""
    from deploy_action.slack.api.strict import StrictWebClient

    return StrictWebClient(
        token=token,
        base_url=base_url if base_url.endswith("/") else f"{base_url}/",
        timeout=timeout_seconds,  # type: ignore[arg-type]  # a socket takes fractions too
        logger=silent_logger(),
        retry_handlers=[],
    )


def silent_logger() -> logging.Logger:
    """For the SDK, whose words about failures would stand in the job's log beside ours."""
    logger = logging.getLogger("deploy_action.slack")
    logger.disabled = True
    return logger
