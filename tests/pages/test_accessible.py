"""The pages that people read, judged by axe in a real Chromium: light and dark, on a desk and on a phone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import pytest

from demo.page import page as demo_page
from deploy_action.common.instants import WallTime
from deploy_action.common.times import iso
from deploy_action.dashboard.anomalies import unusual_of
from deploy_action.dashboard.live import live_of
from deploy_action.dashboard.page import page as dashboard_page
from deploy_action.dashboard.restore_times import restores_of
from deploy_action.dashboard.timeline import timeline_of
from deploy_action.locking.document import Document, Freeze, Lock, Ticket
from deploy_action.reporting.summary.page import summary
from tests.common.many_story import NOW, records
from tests.fakes.slack.server import Message, SlackServer
from tests.pages import stories
from tests.pages.mermaid import NoMermaid, installed
from tests.slack.storyboard import bad_story, good_story

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Browser

SHOTS: list[tuple[Literal["light", "dark"], int]] = [
    ("light", 1280),
    ("light", 390),
    ("dark", 1280),
    ("dark", 390),
]


@pytest.fixture(scope="module")
def axe() -> str:
    try:
        return (installed() / "axe-core" / "axe.min.js").read_text("utf-8")
    except NoMermaid as error:
        pytest.skip(f"axe is not to be had: {error}")


def dashboard(folder: Path) -> Path:
    """Everything that the page can show: something is broken, one deploys, one waits, one freezes."""
    rows = list(records(400))
    rows[-1] |= {"outcome": "failed", "root_cause": "Service (AWS::ECS::Service): it did not start"}
    entries = timeline_of(rows, now=WallTime(NOW)).entries
    holder = Ticket(
        "h",
        "20261103-100000-aa11bb",
        ("production",),
        epochs=(("production", 3),),
        held_since=iso(NOW - 120),
        expected_end=iso(NOW + 180),
        actor="ada",
        url="https://github.com/org/shop/actions/runs/1",
    )
    waiter = replace(holder, nonce="w", epochs=(), requested_at=iso(NOW - 60))
    freeze = Freeze("grace", "a sale", iso(NOW - 3600), iso(NOW + 3600))
    document = Document(locks={"production": Lock(3, freeze=freeze)}, tickets=(waiter, holder))
    text = dashboard_page(
        entries,
        restores_of(entries),
        unusual_of(entries),
        source="branch deploy-coordinator",
        notices=["A record could not be read."],
        now=WallTime(NOW),
        live=live_of(document, now=WallTime(NOW)),
    )
    file = folder / "dashboard.html"
    file.write_text(text, "utf-8")
    return file


def demo(folder: Path) -> Path:
    with SlackServer() as server:
        scenes = (good_story()[-1], bad_story()[-1])
        server.messages += [
            Message("deploys", f"{number}.0", {"blocks": list(scene.parent().blocks)})
            for number, scene in enumerate(scenes)
        ]
        found = {name: stories.STORIES[name]() for name in ("success", "failed")}
        told = [(name, summary(report, now=WallTime(report.ended or NOW))) for name, report in found.items()]
        file = folder / "demo.html"
        file.write_text(demo_page(told, server, dashboard(folder).name), "utf-8")
    return file


@pytest.mark.parametrize("make", [dashboard, demo])
def test_axe_finds_nothing(browser: Browser, axe: str, tmp_path: Path, make: Callable[[Path], Path]) -> None:
    address = make(tmp_path).as_uri()
    found: list[object] = []
    trouble: list[object] = []

    def noted(error: object) -> None:  # playwright marks what it is given, which a built-in method refuses
        trouble.append(error)

    for scheme, width in SHOTS:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
        )
        shown = context.new_page()
        shown.on("pageerror", noted)
        shown.goto(address)
        shown.evaluate(axe)
        answer = shown.evaluate("axe.run(document, {resultTypes: ['violations']})")
        context.close()
        assert len(answer["passes"]) > 10, "it looked at something"
        found += [
            (scheme, width, one["id"], node["target"], node["failureSummary"])
            for one in answer["violations"]
            for node in one["nodes"]
        ]
    assert trouble == []
    assert found == []
