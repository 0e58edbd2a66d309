"""Which webhook takes what."""

from __future__ import annotations

import pytest

from deploy_action.inputs.webhook import WebhookFormat
from tests.inputs.test_settings import parsed

TEAMS = (
    "https://prod-12.westeurope.logic.azure.com:443/workflows/x/triggers/manual/paths/invoke?sig=y",
    "https://contoso.webhook.office.com/webhookb2/x",
    "https://default1.00.environment.api.powerplatform.com/powerautomate/x",
)


@pytest.mark.parametrize("url", TEAMS)
def test_addresses_of_teams_get_cards(url: str) -> None:
    assert parsed(webhook_url=url).webhook_format is WebhookFormat.TEAMS
    assert parsed(webhook_url=url, webhook_format="json").webhook_format is WebhookFormat.JSON


@pytest.mark.parametrize("url", ["https://bot.example/x", "https://logic.azure.com.evil.example/x"])
def test_all_others_get_the_document(url: str) -> None:
    assert parsed(webhook_url=url).webhook_format is WebhookFormat.JSON


def test_a_format_that_is_none_is_a_warning() -> None:
    found = parsed(webhook_url="https://bot.example/x", webhook_format="xml")
    assert "`webhook-format`" in found.warnings[0]
