"""The SDK's clients without what would carry a token elsewhere: no redirect is followed (the SDK's opener
takes the Authorization header along to any host), and nothing is sent unencrypted but to this machine.

Imported when first used: the SDK is in it.
"""

from __future__ import annotations

import ipaddress
import ssl
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient, WebhookResponse

from deploy_action.common.trusted_certificates import without_strict_form
from deploy_action.slack.outbox import NotDelivered, Trouble


class StrictWebClient(WebClient):
    def _perform_urllib_http_request_internal(self, url: str, req: urllib.request.Request) -> dict[str, Any]:
        with _opener(url, self.ssl, self.proxy).open(req, timeout=self.timeout) as answer:
            charset = answer.headers.get_content_charset() or "utf-8"
            return {"status": answer.code, "headers": answer.headers, "body": answer.read().decode(charset)}


class StrictWebhookClient(WebhookClient):
    def _perform_http_request_internal(self, url: str, req: urllib.request.Request) -> WebhookResponse:
        with _opener(url, self.ssl, self.proxy).open(req, timeout=self.timeout) as answer:
            charset = answer.headers.get_content_charset() or "utf-8"
            body = answer.read().decode(charset)
            return WebhookResponse(
                url=url, status_code=answer.status, body=body, headers=dict(answer.headers)
            )


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """The answer itself is what people are told."""


def _opener(url: str, context: ssl.SSLContext | None, proxy: str | None) -> urllib.request.OpenerDirector:
    """Raises NotDelivered for an address that is not https."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not _is_this_machine(parts.hostname or ""):
        raise NotDelivered(
            Trouble(
                "Slack's address is not https://, and a token is not sent unencrypted.",
                permanent=True,
                ours=True,
            )
        )
    context = context or without_strict_form(ssl.create_default_context())
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect(), urllib.request.HTTPSHandler(context=context)]
    if proxy:
        handlers.append(urllib.request.ProxyHandler({"http": proxy, "https": proxy}))
    return urllib.request.build_opener(*handlers)


def _is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
