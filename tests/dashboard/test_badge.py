"""The badge for a README."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from deploy_action.dashboard.badge import badge
from deploy_action.dashboard.restore_times import broken_now
from tests.history.entries import entry


def words(environment: str, *outcomes: str) -> str:
    entries = [entry(str(hours), hours, outcome) for hours, outcome in enumerate(outcomes)]
    root = ET.fromstring(badge(environment, entries, broken_now(entries)))
    return root.attrib["aria-label"]


def test_it_tells_the_last_good_deployment_or_since_when_it_is_broken() -> None:
    assert words("prod", "succeeded", "failed", "succeeded") == "prod: deployed 2023-11-15 00:13 UTC"
    assert words("prod", "succeeded", "failed", "failed") == "prod: broken since 2023-11-14 23:13 UTC"


def test_what_is_not_known_is_not_green() -> None:
    assert words("prod", "unknown") == "prod: no deployment known"
    assert words("elsewhere", "succeeded") == "elsewhere: no deployment known"
    assert "#2e7d32" not in badge("elsewhere", [], ())


def test_a_name_is_only_a_name() -> None:
    assert words('</text><script>&"') == '</text><script>&": no deployment known'
