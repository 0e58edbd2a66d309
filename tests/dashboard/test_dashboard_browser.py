"""The dashboard in a real Chromium: the only judge of whether it draws, filters and loads nothing."""

from __future__ import annotations

import dataclasses
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from deploy_action.dashboard.anomalies import unusual_of
from deploy_action.dashboard.metrics import DAY, figures
from deploy_action.dashboard.page import page as page_of
from deploy_action.dashboard.restore_times import restores_of
from deploy_action.dashboard.timeline import Entry, timeline_of
from tests.common.many_story import NOW, records
from tests.dashboard.test_page import HOSTILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from playwright.sync_api import Browser, Dialog, Page

CHROMIUM = next((found for name in ("chromium", "google-chrome") if (found := shutil.which(name))), None)
INTERACTIVE_MS_MAX = 5_000
"""Generous: this is to notice a page that hangs; benchmarks/dashboard.py measures."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no chromium or google-chrome on this machine")
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


class Shown:
    """A page that is open, and what it asked of the network or said on the console."""

    def __init__(self, browser: Browser, file: Path, **context: Any) -> None:
        self.context = browser.new_context(viewport={"width": 1280, "height": 900}, **context)
        self.page: Page = self.context.new_page()
        self.requests: list[str] = []
        self.trouble: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.trouble.append(message.text))
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("dialog", self._dialog)
        self.address = file.as_uri()

    def _dialog(self, dialog: Dialog) -> None:
        self.trouble.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def open(self, fragment: str = "") -> Page:
        self.page.goto(self.address + fragment)
        return self.page

    @property
    def figures(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.page.evaluate("document.documentElement.dataset.figures"))
        return found

    @property
    def painted(self) -> list[bool]:
        """Of each chart: whether there is anything on it."""
        found: list[bool] = self.page.evaluate(
            """() => [...document.querySelectorAll(".chart canvas")].map((canvas) => {
                 const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                 const colours = new Set();
                 for (let at = 0; at < data.length; at += 4)
                   if (data[at + 3] > 200) colours.add((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]);
                 return colours.size > 2; })"""
        )
        return found


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Shown]]:
    opened: list[Shown] = []

    def open_(rows: Sequence[dict[str, Any]], **context: Any) -> Shown:
        entries = timeline_of(rows, now=NOW).entries
        file = tmp_path / "index.html"
        file.write_text(
            page_of(entries, restores_of(entries), unusual_of(entries), source="here", notices=[], now=NOW)
        )
        opened.append(Shown(browser, file, **context))
        return opened[-1]

    yield open_
    for one in opened:
        one.context.close()


def by_python(entries: Sequence[Entry], keep: Callable[[Entry], bool], since: float) -> dict[str, Any]:
    chosen = [one for one in entries if keep(one) and round(one.ended) >= since]
    return dataclasses.asdict(figures(chosen, restores_of(entries), since=since, until=NOW))


def test_it_draws_asks_the_network_for_nothing_and_says_no_error(show: Callable[..., Shown]) -> None:
    shown = show(list(records(400)))
    shown.open()
    assert shown.painted == [True] * 7
    assert shown.requests == [shown.address]
    assert shown.trouble == []
    assert shown.page.locator("#table tbody tr").count() == 40


@pytest.mark.parametrize("size", [1, 2, 9])
def test_a_young_history_is_shown_too(show: Callable[..., Shown], size: int) -> None:
    shown = show(list(records(size)))
    shown.open("#days=all")
    assert shown.trouble == []
    assert shown.page.locator("#table tbody tr").count() == size


def test_the_figures_of_a_choice_are_those_that_python_computes(show: Callable[..., Shown]) -> None:
    rows = list(records(600))
    entries = timeline_of(rows, now=NOW).entries
    shown = show(rows)
    page = shown.open("#days=all")
    first = entries[0].ended
    close(shown.figures, by_python(entries, lambda _: True, first))
    page.get_by_label("30 days").check(force=True)
    close(shown.figures, by_python(entries, lambda _: True, NOW - 30 * DAY))
    page.get_by_label("Environment").select_option(label="production")
    close(shown.figures, by_python(entries, lambda one: one.environment == "production", NOW - 30 * DAY))
    page.get_by_label("1 year").check(force=True)
    page.get_by_label("Stack").select_option(label="eu-west-1/shop-web")

    def both(one: Entry) -> bool:
        return one.environment == "production" and one.stacks == ("eu-west-1/shop-web",)

    close(shown.figures, by_python(entries, both, NOW - 365 * DAY))
    assert shown.figures["count"] > 10
    assert shown.trouble == []


def close(found: object, expected: object) -> None:
    """The page's numbers are rounded to whole seconds from 100 s on."""
    if isinstance(expected, dict):
        assert isinstance(found, dict)
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            close(found[name], value)
    else:
        assert found == (None if expected is None else pytest.approx(expected, rel=0.01, abs=0.06))


def test_a_choice_stands_in_the_address_and_is_found_again(show: Callable[..., Shown]) -> None:
    shown = show(list(records(400)))
    page = shown.open()
    page.get_by_label("Environment").select_option(label="staging")
    page.locator("#kind").select_option(label="failed and rolled back")
    fragment = page.evaluate("location.hash")
    assert "environment=staging" in fragment
    outcomes = page.locator("#table .pill").all_inner_texts()
    assert outcomes
    assert set(outcomes) <= {"failed", "rolled back", "unusual"}
    figures = shown.figures
    page.goto("about:blank")
    shown.open(fragment)
    assert shown.figures == figures
    assert page.get_by_label("Environment").locator("option:checked").inner_text() == "staging"
    page.get_by_role("button", name="Show all").click()
    assert shown.figures["count"] == 400


def test_a_choice_of_nothing_says_so(show: Callable[..., Shown]) -> None:
    old = [{**row, "environment": "gone"} for row in records(3)]
    for row in old:
        row["released_at"] = row["held_since"] = row["requested_at"] = "2024-01-01T00:00:00Z"
    shown = show([*old, *records(50, seed=2)])
    page = shown.open("#environment=gone&days=7")
    assert page.get_by_role("heading", name="No deployment matches").is_visible()
    page.get_by_role("button", name="Show all").click()
    assert not page.get_by_role("heading", name="No deployment matches").is_visible()
    assert shown.trouble == []


def test_ten_thousand_deployments(show: Callable[..., Shown]) -> None:
    shown = show(list(records(10_000, days=900)))
    page = shown.open("#days=all")
    assert int(page.evaluate("document.documentElement.dataset.ready")) < INTERACTIVE_MS_MAX
    assert shown.painted == [True] * 7
    assert "of 9," in page.locator("figure", has_text="Duration and estimate").locator(".hint").inner_text()
    page.get_by_role("button", name="Older page").click()
    assert "page 2 of 250" in page.locator("#pager").inner_text()
    assert shown.trouble == []


def test_hostile_names_are_only_words(show: Callable[..., Shown]) -> None:
    texts = ("environment", "actor", "root_cause", "repository", "commit")
    rows = [{**row, **dict.fromkeys(texts, HOSTILE), "stacks": [HOSTILE]} for row in records(60)]
    for row in rows:
        for run in row["runs"]:
            run["stack"] = HOSTILE
        row["url"] = "javascript:alert(1)"
    rows[-1]["duration_seconds"] = 9_000
    shown = show(rows)
    page = shown.open()
    for details in page.locator("details summary").all():
        details.click()
    assert page.locator("img, iframe, [onerror]").count() == 0
    assert page.locator("main a").count() == 0
    assert "<img src=x onerror=alert(1)>" in page.locator("#table").inner_text()
    assert shown.requests == [shown.address]
    assert shown.trouble == []


def test_sorting_says_what_it_sorts_by(show: Callable[..., Shown]) -> None:
    shown = show(list(records(100)))
    page = shown.open("#days=all")
    page.get_by_role("button", name="Duration").click()
    heading = page.get_by_role("columnheader", name="Duration")
    assert heading.get_attribute("aria-sort") == "descending"
    assert page.evaluate("document.activeElement.dataset.sort") == "seconds"
    page.get_by_role("button", name="Duration").click()
    assert heading.get_attribute("aria-sort") == "ascending"


def test_each_chart_has_words_and_a_table(show: Callable[..., Shown]) -> None:
    shown = show(list(records(200)))
    page = shown.open()
    charts = page.locator("figure.chart")
    for place in range(charts.count()):
        chart = charts.nth(place)
        assert len(chart.locator("[role=img]").get_attribute("aria-label") or "") > 20
        chart.locator("summary").click()
        chart.locator("table tbody tr").first.wait_for()
    # Every control has a name.
    assert page.locator("select:not([id])").count() == 0
    unnamed = "[...document.querySelectorAll('button')].filter((one) => !one.textContent.trim()).length"
    assert page.evaluate(unnamed) == 0


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (768, "dark"), (1920, "light")])
def test_it_fits_every_screen(show: Callable[..., Shown], width: int, scheme: str) -> None:
    shown = show(list(records(200)), color_scheme=scheme)
    shown.page.set_viewport_size({"width": width, "height": 800})
    page = shown.open()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(int(one) for one in background[4:-1].split(",")) < 200) == (scheme == "dark")


def test_the_charts_follow_the_window(show: Callable[..., Shown]) -> None:
    shown = show(list(records(100)))
    page = shown.open()
    page.set_viewport_size({"width": 400, "height": 800})
    page.wait_for_function("document.querySelector('.uplot').clientWidth < 400")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_the_pointer_is_told_what_it_is_over(show: Callable[..., Shown]) -> None:
    shown = show(list(records(200)))
    page = shown.open()
    bars = page.locator("figure", has_text="Deployment frequency")
    box = bars.locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert "week of" in bars.locator(".at").inner_text()
    assert bars.locator(".legend b").first.inner_text().isdigit()


def test_nothing_is_remembered_yet(show: Callable[..., Shown]) -> None:
    shown = show([])
    page = shown.open()
    assert page.get_by_role("heading", name="No deployments are remembered yet").is_visible()
    assert not page.locator("#content").is_visible()
    assert shown.trouble == []
