"""The inputs about a webhook that is not Slack's.

Neither refuses a deployment: what is wrong is left out, with a warning that does not repeat the address.
"""

from __future__ import annotations

import re
from enum import Enum
from urllib.parse import urlsplit

from deploy_action.inputs.fields import Fields
from deploy_action.inputs.values import web_address

_TEAMS = re.compile(r"(?i)(.+\.)?(logic\.azure\.(com|us|cn)|webhook\.office\.com|api\.powerplatform\.com)")
"""Hosts of webhooks that Teams' workflows and connectors hand out."""
_SLACK = re.compile(r"(?i)hooks\.slack(-gov)?\.com")
_THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}


class WebhookFormat(Enum):
    JSON = "json"
    TEAMS = "teams"


class WebhookFields(Fields):
    def _webhook(self) -> tuple[str, WebhookFormat]:
        """The address, empty where there is none of use, and what it takes."""
        url, asked = self._text("webhook-url"), self._text("webhook-format").lower()
        known = {one.value: one for one in WebhookFormat}
        if asked and asked not in known:
            self._warn("`webhook-format`: it is neither json nor teams. The address decides.")
        if not url:
            return "", WebhookFormat.JSON
        try:
            host = _host(url)
        except ValueError as error:
            self._warn(f"`webhook-url`: {error} Nothing is sent there.")
            return "", WebhookFormat.JSON
        usual = WebhookFormat.TEAMS if _TEAMS.fullmatch(host) else WebhookFormat.JSON
        return url, known.get(asked, usual)


def _host(url: str) -> str:
    parts = urlsplit(web_address(url))
    host = parts.hostname or ""
    if parts.scheme != "https" and host not in _THIS_MACHINE:
        raise ValueError("it is not https://, and nothing is sent unencrypted.")
    if _SLACK.fullmatch(host):
        raise ValueError("it is Slack's: give it as `slack-webhook-url`.")
    return host
