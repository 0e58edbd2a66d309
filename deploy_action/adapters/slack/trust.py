"""Whom to trust: the system's certificates, and those that the job names beside them. Whom not to hear."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssl import SSLContext

NAMES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE")


def silent_logger() -> logging.Logger:
    """For the SDK, whose words about failures would stand in the job's log beside ours."""
    logger = logging.getLogger("deploy_action.slack")
    logger.disabled = True
    return logger


def tls_context() -> SSLContext | None:
    """None where nothing is named: the SDK's own default then. A file that cannot be used is left out."""
    named = [path for name in NAMES if (path := os.environ.get(name))]
    if not named:
        return None
    import ssl

    context = ssl.create_default_context()
    for path in named:
        with suppress(OSError, ssl.SSLError):
            if os.path.isdir(path):  # noqa: PTH112 - an empty or odd name is not a path
                context.load_verify_locations(capath=path)
            else:
                context.load_verify_locations(cafile=path)
    return context
