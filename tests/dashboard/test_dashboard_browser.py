"""The dashboard in a real Chromium: the only judge of whether it draws, filters and loads nothing."""

from __future__ import annotations

import dataclasses
import json
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from deploy_action.common.instants import WallTime
from deploy_action.common.times import duration, iso, unix_seconds
from deploy_action.dashboard.anomalies import unusual_of
from deploy_action.dashboard.metrics import DAY, figures
from deploy_action.dashboard.page import page as page_of
from deploy_action.dashboard.restore_times import restores_of
from deploy_action.dashboard.timeline import Entry, timeline_of
from tests.common.many_story import HOUR, NOW, records
from tests.dashboard.test_page import HOSTILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from playwright.sync_api import Browser, Dialog, Page

INTERACTIVE_MS_MAX = 5_000
"""Generous: this is to notice a page that hangs; benchmarks/dashboard.py measures."""


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
        entries = timeline_of(rows, now=WallTime(NOW)).entries
        file = tmp_path / "index.html"
        file.write_text(
            page_of(
                entries,
                restores_of(entries),
                unusual_of(entries),
                source="here",
                notices=[],
                now=WallTime(NOW),
            )
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
    assert shown.page.locator("#broken, #now").count() == 0
    clipped = "document.querySelector('#table .scroll')"
    assert shown.page.evaluate(f"{clipped}.scrollWidth - {clipped}.clientWidth") == 0


@pytest.mark.parametrize("size", [1, 2, 9])
def test_a_young_history_is_shown_too(show: Callable[..., Shown], size: int) -> None:
    shown = show(list(records(size)))
    shown.open("#days=all")
    assert shown.trouble == []
    assert shown.page.locator("#table tbody tr").count() == size


def test_the_figures_of_a_choice_are_those_that_python_computes(show: Callable[..., Shown]) -> None:
    rows = list(records(600))
    entries = timeline_of(rows, now=WallTime(NOW)).entries
    shown = show(rows)
    page = shown.open("#days=all")
    first = entries[0].ended
    close(shown.figures, by_python(entries, lambda _: True, first))
    page.get_by_label("30 days").check(force=True)
    close(shown.figures, by_python(entries, lambda _: True, NOW - 30 * DAY))
    page.locator("#environment").select_option(label="production")
    close(shown.figures, by_python(entries, lambda one: one.environment == "production", NOW - 30 * DAY))
    page.get_by_label("1 year").check(force=True)
    page.locator("#stack").select_option(label="eu-west-1/shop-web")

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
    page.locator("#environment").select_option(label="staging")
    page.locator("#kind").select_option(label="failed and rolled back")
    fragment = page.evaluate("location.hash")
    assert "environment=staging" in fragment
    outcomes = page.locator("#table .pill").all_inner_texts()
    assert outcomes
    assert set(outcomes) <= {"Failed", "Failed and rolled back", "unusual"}
    figures = shown.figures
    page.goto("about:blank")
    shown.open(fragment)
    assert shown.figures == figures
    assert page.locator("#environment").locator("option:checked").inner_text() == "staging"
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
    assert page.locator("main a:not([href^='#'])").count() == 0
    assert "<img src=x onerror=alert(1)>" in page.locator("#table").inner_text()
    assert shown.requests == [shown.address]
    assert shown.trouble == []


def test_sorting_says_what_it_sorts_by(show: Callable[..., Shown]) -> None:
    shown = show(list(records(100)))
    page = shown.open("#days=all")
    page.get_by_role("button", name="Duration").click()
    heading = page.locator("#table").get_by_role("columnheader", name="Duration")
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
    bars.scroll_into_view_if_needed()
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


def test_a_deployment_is_found_and_has_an_address_of_its_own(show: Callable[..., Shown]) -> None:
    rows = list(records(300))
    shown = show(rows)
    page = shown.open("#days=all")
    wanted = rows[7]
    for words in (wanted["commit"], wanted["commit"][:8], wanted["correlation_id"]):
        page.get_by_label("Find").fill(words)
        assert page.locator("#table tbody tr").count() == 1
    assert "find=" in page.evaluate("location.hash")
    page.locator("#table .when a").click()
    assert page.locator("#table tbody tr").count() == 1
    assert "One deployment is shown" in page.locator("#only").inner_text()
    assert f"deployment={wanted['correlation_id']}" in page.evaluate("location.hash")
    page.get_by_role("button", name="Show all").click()
    assert page.locator("#table tbody tr").count() == 40
    page.get_by_label("Find").fill("ada")
    by = page.locator("#table tbody td.name:nth-child(8)").all_inner_texts()
    assert set(by) == {"ada"}
    assert shown.trouble == []


def test_a_link_to_what_is_gone_says_so(show: Callable[..., Shown]) -> None:
    page = show(list(records(50))).open("#environment=gone&days=all")
    assert "There is no environment “gone” here" in page.locator("#gone").inner_text()
    page.locator("#environment").select_option(label="production")
    assert not page.locator("#gone").is_visible()


def test_the_keyboard_stays_where_it_is(show: Callable[..., Shown]) -> None:
    page = show(list(records(400))).open("#days=all")
    page.get_by_role("button", name="Older page").press("Enter")
    assert page.evaluate("document.activeElement.ariaLabel") == "Older page"
    for _ in range(20):
        if page.get_by_role("button", name="Older page").is_disabled():
            break
        page.get_by_role("button", name="Older page").press("Enter")
    assert page.evaluate("document.activeElement.ariaLabel") == "Newer page"
    more = page.locator("#unusual .more-button")
    more.press("Enter")
    assert page.evaluate("document.activeElement.className") == "more-button"
    page.locator("#places-stack .place").first.press("Enter")
    assert page.evaluate("document.activeElement.id") == "stack"
    assert page.locator("#stack").input_value() != "-1"


def test_where_it_goes_wrong_is_told_by_place(show: Callable[..., Shown]) -> None:
    rows = list(records(400))
    entries = timeline_of(rows, now=WallTime(NOW)).entries
    page = show(rows).open("#days=all")
    own = [one for one in entries if one.environment == "test"]
    found = figures(own, restores_of(entries), since=entries[0].ended, until=NOW)
    cells = page.locator("#places-environment tbody tr", has_text="test").locator("td").all_inner_texts()
    assert cells[0] == str(found.count)
    assert found.failure_rate is not None
    assert float(cells[1].rstrip("\u00a0 %")) == pytest.approx(found.failure_rate * 100, abs=0.6)
    assert page.locator("#places-stack tbody tr").count() == 4


def test_without_a_script_figures_and_the_last_fifty_are_there(show: Callable[..., Shown]) -> None:
    shown = show(list(records(200)), java_script_enabled=False)
    page = shown.open()
    assert page.locator("#last tbody tr").count() == 50
    assert page.locator("#figures").get_by_role("row", name="Failure rate").is_visible()
    assert not page.locator("#content").is_visible()


def test_durations_are_told_as_everywhere(show: Callable[..., Shown]) -> None:
    page = show(list(records(3))).open()
    lengths = [0, 7, 59, 60, 123, 3_599, 3_600, 3_840, 172_799, 172_800, 273_600, 8_640_000]
    assert page.evaluate("(all) => all.map(View.duration)", lengths) == [duration(one) for one in lengths]


def axis_texts(shown: Shown) -> dict[str, list[tuple[str, float, float, float, str]]]:
    """Opens the page. By the title of a chart: each text on its axes, x, y and width in pixels, alignment."""
    shown.page.add_init_script(
        """window.marks = []; const drawn = CanvasRenderingContext2D.prototype.fillText;
        CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
          const { a: ratio, e, f } = this.getTransform();
          marks.push([this.canvas, text, x + e, y + f, this.measureText(text).width * ratio, this.textAlign]);
          return drawn.apply(this, arguments); };"""
    )
    page = shown.open("#days=all")
    found: dict[str, list[tuple[str, float, float, float, str]]] = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll(".chart canvas")].map((canvas) =>
             [canvas.closest(".chart").querySelector("h2").textContent,
              marks.filter(([of]) => of === canvas).map(([, ...rest]) => rest)]))"""
    )
    return found


def heights_of(texts: Sequence[tuple[str, float, float, float, str]]) -> dict[str, float]:
    """Of the upright axis: how far down each text stands, the highest last."""
    found = {text: y for text, _, y, _, align in texts if align != "center"}
    return dict(sorted(found.items(), key=lambda one: -one[1]))


DURATION_CHARTS = ("Duration and estimate", "Time to restore", "Lead and queue time", "Duration over time")


@pytest.mark.parametrize(("count", "lead_days"), [(300, 15), (300, 110), (10_000, 4_000)])
def test_marks_of_durations_are_round_and_stand_apart(
    show: Callable[..., Shown], count: int, lead_days: int
) -> None:
    rows = list(records(count, days=900))
    for row in rows:
        row["committed_at"] = iso((unix_seconds(row["requested_at"]) or 0.0) - lead_days * DAY)
    shown = show(rows)
    axes = axis_texts(shown)
    for chart in DURATION_CHARTS:
        heights = heights_of(axes[chart])
        assert len(heights) >= 2
        assert [text for text in heights if not re.fullmatch(r"0|(\d+[smhd]){1,2}", text)] == []
        assert min(below - above for below, above in pairwise(heights.values())) >= 14, (chart, heights)
    assert shown.trouble == []


@pytest.mark.parametrize("seconds", [3, 30_000, 310_000, 2_000 * DAY])
def test_a_single_restore_has_a_scale(show: Callable[..., Shown], seconds: float) -> None:
    bad, good = ({**row, "environment": "test", "stacks": ["shop"]} for row in records(2))
    for row, outcome, ended in ((bad, "failed", NOW - HOUR - seconds), (good, "succeeded", NOW - HOUR)):
        row |= {"outcome": outcome, "requested_at": iso(ended), "held_since": iso(ended)}
        row |= {"released_at": iso(ended)}
    assert len(heights_of(axis_texts(show([bad, good]))["Time to restore"])) >= 2


@pytest.mark.parametrize(("count", "days"), [(1, 1.0), (2, 1.0), (30, 1.0), (30, 90.0)])
def test_axes_have_marks_and_labels_that_do_not_overlap(
    show: Callable[..., Shown], count: int, days: float
) -> None:
    shown = show(list(records(count, days=days)))
    for marks in axis_texts(shown).values():
        dates = sorted((x, width) for text, x, _, width, align in marks if align == "center")
        values = [text for text, _, _, _, align in marks if align != "center"]
        assert dates
        assert values
        rows: dict[float, float] = {}
        for _, x, y, width, align in sorted(marks, key=lambda mark: mark[1]):
            if align == "center":
                assert x - width / 2 >= rows.get(round(y), 0.0) - 1
                rows[round(y)] = x + width / 2
    assert shown.trouble == []


def test_print_and_forced_colours_keep_what_tells_marks_apart(show: Callable[..., Shown]) -> None:
    shown = show(list(records(200)))
    page = shown.open("#environment=production&days=90")
    page.emulate_media(media="print")
    assert page.locator("#chosen").is_visible()
    assert page.locator("#chosen").inner_text() == "Shown: environment production, 90 days."
    page.emulate_media(media="screen")
    page.locator("#kind").select_option(label="failed and rolled back")
    page.get_by_label("Find").fill("ada")
    page.emulate_media(media="print")
    assert page.locator("#chosen").inner_text() == (
        "Shown: environment production, 90 days; in the table: failed and rolled back, “ada”."
    )
    assert page.locator(".legend").first.is_visible()
    page.set_viewport_size({"width": 1047, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 1047
    page.emulate_media(media="screen", forced_colors="active")
    colour = "getComputedStyle(document.querySelector('.swatch.c-good')).backgroundColor"
    assert page.evaluate(colour) == "rgb(23, 105, 170)"


def test_lines_do_not_bridge_weeks_without_deployments(show: Callable[..., Shown]) -> None:
    def ended(row: dict[str, Any]) -> float:
        return NOW - (unix_seconds(row["released_at"]) or 0.0)

    rows = [row for row in records(300, days=100) if not 20 * DAY < ended(row) < 80 * DAY]
    shown = show(rows)
    page = shown.open("#days=all")
    blue = page.evaluate(
        """() => { const figure = [...document.querySelectorAll(".chart")]
               .find((one) => one.querySelector("h2").textContent === "Duration over time");
             const canvas = figure.querySelector("canvas");
             const [from, to] = [canvas.width * 0.35, canvas.width * 0.65].map(Math.round);
             const { data } = canvas.getContext("2d").getImageData(from, 0, to - from, canvas.height);
             let found = 0;
             for (let at = 0; at < data.length; at += 4)
               if (data[at] < 60 && data[at + 2] > 150 && data[at + 3] > 200) found++;
             return found; }"""
    )
    assert blue == 0
    assert shown.trouble == []


def test_causes_are_grouped_and_the_slowest_resource_is_told_by_place(show: Callable[..., Shown]) -> None:
    rows = list(records(400))
    for number, row in enumerate(rows[-9:]):
        stack = "shop-web" if number < 5 else "identity"
        denied = "Role (AWS::IAM::Role): Access denied for operation 'iam:CreateRole'."
        row |= {"outcome": "failed", "stacks": [stack], "root_cause": denied if number < 7 else "odd"}
        row |= {"environment": "production"}
    shown = show(rows)
    page = shown.open("#environment=production&days=all")
    first = page.locator("#causes tbody tr").filter(has_text="Access denied")
    assert first.locator("td").nth(0).inner_text() == "7×"
    assert first.locator("td").nth(1).inner_text() == "shop-web 5, identity 2"
    production = page.locator("#places-environment tbody tr").filter(has_text="production")
    assert "Cluster of eu-west-1/shop-database" in production.inner_text()
    page.select_option("#stack", label="eu-west-1/shop-web")
    assert "Service of eu-west-1/shop-web" in production.inner_text()
    staging = page.locator("#places-environment tbody tr").filter(has_text="staging")
    assert "Service of eu-west-1/shop-web" in staging.inner_text(), "though another environment is chosen"
    page.select_option("#stack", label="all")
    first.locator("td a").first.click()
    assert page.locator("#table tbody tr").count() == 1
    assert shown.trouble == []


def test_a_deployment_is_found_by_cause_stack_and_repository_and_one_more_kind_is_one(
    show: Callable[..., Shown],
) -> None:
    letters = "abcdefghijklm"
    rows = [
        {**row, "outcome": "failed", "root_cause": f"The {letter * 5} flew away."}
        for row, letter in zip(records(len(letters)), letters, strict=True)
    ]
    rows[1] |= {"stacks": [f"eu-west-1/{name}" for name in ("one", "two", "three", "zebra")]}
    rows[2] |= {"repository": "org/quagga"}
    shown = show(rows)
    page = shown.open("#days=all")
    assert page.locator("#causes .hint").inner_text() == "And 1 more kind."
    found = page.locator("#table tbody tr")
    for row, words in zip(rows, ("flew AAAAA", "zebra", "quagga"), strict=False):
        page.get_by_label("Find").fill(words)
        assert found.count() == 1, words
        assert found.get_attribute("data-id") == row["correlation_id"]
    assert shown.trouble == []
