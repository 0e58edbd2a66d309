"""The dashboard's page, as text."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from base64 import b64encode
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from deploy_action.cloudformation.outcome import Outcome
from deploy_action.common.instants import WallTime
from deploy_action.common.times import iso
from deploy_action.dashboard.anomalies import unusual_of
from deploy_action.dashboard.live import live_of
from deploy_action.dashboard.page import machine_data, page
from deploy_action.dashboard.page_data import MEASUREMENTS_MAX, RESOURCES_MAX, page_data, script_json
from deploy_action.dashboard.restore_times import restores_of
from deploy_action.dashboard.sections import without_script
from deploy_action.dashboard.timeline import timeline_of
from deploy_action.locking.document import Document, Freeze, Lock, Ticket
from deploy_action.reporting.outcome_words import ending_of
from tests.common.many_story import NOW, records
from tests.history.entries import START, entry

if TYPE_CHECKING:
    from collections.abc import Sequence

HOSTILE = "</script><img src=x onerror=alert(1)><!--\u2028\u2029\ud800\x00\u202e{{data}}{{style}}'\"&"

TEXT = st.text(st.sampled_from("<>&/!-\u2028\u2029") | st.characters(), max_size=20)


def written(rows: Sequence[dict[str, Any]], *, source: str = "s", notices: Sequence[str] = ()) -> str:
    entries = timeline_of(rows, now=WallTime(NOW)).entries
    found = page(
        entries, restores_of(entries), unusual_of(entries), source=source, notices=notices, now=WallTime(NOW)
    )
    found.encode()
    return found


def data_of(text: str) -> dict[str, Any]:
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    data: dict[str, Any] = json.loads(found)
    return data


def test_the_policy_allows_what_the_page_holds_and_nothing_else() -> None:
    text = written(list(records(5)))
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = [b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in (script, style)]
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{digest[0]}'; style-src 'sha256-{digest[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )
    outside = re.sub(r"<script.*?</script>|<style>.*?</style>", "", text, flags=re.DOTALL)
    assert not re.search(r"(?i)\b(src|style|on\w+)=", outside)
    assert not re.search(r"(?i)\bhref=(?!\"(#|https://github\.com/org/shop/))", outside)


def test_no_text_from_outside_ends_the_data_or_becomes_markup() -> None:
    row = next(records(1))
    texts = ("environment", "actor", "commit", "repository", "root_cause", "url", "correlation_id")
    hostile = {**row, **dict.fromkeys(texts, HOSTILE), "stacks": [HOSTILE], "outcome": "failed"}
    text = written([hostile], source=HOSTILE, notices=[HOSTILE])
    assert text.count("</script>") == 2
    assert "<img" not in text
    assert "\u2028" not in text
    assert data_of(text)["stacks"][0].startswith("</script><img src=x onerror=alert(1)><!--")


@settings(max_examples=200, deadline=None)
@given(st.recursive(TEXT, lambda inner: st.lists(inner, max_size=3), max_leaves=5))
def test_any_data_stands_safely_in_a_script(value: object) -> None:
    text = script_json(value)
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == value


def test_only_addresses_of_the_web_become_links() -> None:
    for address in (
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil",
        'https://x/"onclick=',
        "https://u:p@x/",
    ):
        row = {**next(records(1)), "url": address, "commit": "../../../evil"}
        text = written([{**row, "outcome": "failed"}])
        assert "<a href" not in text.partition("<script")[0].replace('<a href="#', "")
        data = data_of(text)
        assert (data["heads"], data["rows"]["tail"], data["rows"]["commit"]) == ([""], [""], [""])
    data = data_of(written(list(records(1))))
    assert data["heads"] == ["https://github.com/org/shop"]
    assert data["rows"]["tail"][0] == "/actions/runs/10000000000/attempts/1"


def test_nothing_is_remembered_yet() -> None:
    text = written([])
    assert '<section class="empty">' in text
    assert '<div id="content" hidden>' in text
    assert "0 deployments" in text


def test_what_is_missing_is_told() -> None:
    text = written([], notices=["one.json is left out: <b>"])
    assert "<li>one.json is left out: &lt;b&gt;</li>" in text
    assert '<aside class="notices" aria' in text
    assert '<aside class="notices" hidden aria' in written([])


def test_ten_thousand_deployments_are_a_small_page() -> None:
    text = written(list(records(10_000, days=900)))
    assert len(text) < 2_000_000
    assert len(gzip.compress(text.encode())) < 500_000


def test_resources_are_bounded_and_the_slowest_are_kept() -> None:
    rows = []
    for number in range(150):
        row = next(records(1, seed=number))
        stack = f"eu-west-1/s{number % 50}"
        resources = [f"+1 {100 + one} UPDATE AWS::X::Y R{one}" for one in range(120)]
        run = {
            "stack": stack,
            "operation": "update",
            "outcome": "succeeded",
            "seconds": 300,
            "resources": resources,
        }
        rows.append({**row, "correlation_id": str(number), "runs": [run]})
    resources = data_of(written(rows))["resources"]
    assert len(resources) == RESOURCES_MAX
    assert resources[0]["label"] == "R119"
    assert all(len(one["at"]) <= MEASUREMENTS_MAX for one in resources)


def test_a_restore_of_a_row_is_told_apart_from_none() -> None:
    entries = [entry("a", 0, "failed"), entry("b", 2), entry("c", 3, "failed")]
    data = page_data(entries, restores_of(entries), {}, now=WallTime(START))
    assert data["rows"]["restore"] == [7200, None, -1]


def test_what_is_broken_stands_on_top_and_who_deploys_below_it() -> None:
    rows = list(records(3))
    bad = {**rows[-1], "outcome": "failed", "root_cause": "Service: no <b>", "released_at": iso(NOW - 60)}
    entries = timeline_of([*rows[:2], bad], now=WallTime(NOW)).entries
    holder = Ticket(
        "n",
        "20261124-000000-aaaaaa",
        ("production",),
        ("eu-west-1/shop",),
        epochs=(("production", 3),),
        held_since=iso(NOW - 120),
        expected_end=iso(NOW + 180),
        actor="<i>ada",
        url="javascript:alert(1)",
    )
    waiter = replace(holder, nonce="w", epochs=(), requested_at=iso(NOW - 60), url=rows[0]["url"])
    freeze = Freeze("grace", "a sale", iso(NOW - 3600), iso(NOW + 3600))
    document = Document(
        locks={"production": Lock(3, freeze=freeze), "old": Lock(freeze=replace(freeze, until=iso(NOW - 9)))},
        tickets=(waiter, holder),
    )
    text = page(
        entries, {}, {}, source="s", notices=[], now=WallTime(NOW), live=live_of(document, now=WallTime(NOW))
    )
    above, _, below = text.partition('id="now"')
    assert "Service: no &lt;b&gt;" in above
    assert bad["stacks"][0] in above
    assert "As of" in below
    rows_of_now = re.findall(r'<th scope="row">(deploys|waits)</th>', below)
    assert rows_of_now == ["deploys", "waits"]
    assert "&lt;i&gt;ada" in below
    assert 'href="javascript' not in text
    assert below.count("is frozen by grace") == 1
    assert 'id="now"' not in written(rows)


def test_a_deployment_ends_in_the_words_of_every_other_surface() -> None:
    entries = [entry(one.value, number, one.value) for number, one in enumerate(Outcome)]
    for number, outcome in enumerate(("succeeded", "failed")):
        found = entry(f"teardown {number}", 20 + number, outcome)
        run = replace(found.deployment.runs[0], kind="delete")
        entries.append(replace(found, deployment=replace(found.deployment, runs=(run,))))
    words = [*(ending_of(one).value.label for one in Outcome), "Deleted", "Not deleted"]
    data = page_data(entries, {}, {}, now=WallTime(START))
    assert [data["words"][place] for place in data["rows"]["word"]] == words
    still = without_script(entries, {}, several=False, now=WallTime(START))
    assert re.findall(r'data-label="Outcome">([^<]*)<', still)[::-1] == words


def test_one_repository_stands_in_the_header_and_several_have_a_column() -> None:
    def of(*names: str) -> str:
        rows = [{**row, "outcome": "failed"} for row in records(len(names))]
        return written([{**row, "repository": name} for row, name in zip(rows, names, strict=True)])

    one, several = of("org/shop", "org/shop"), of("org/shop", "org/<b>")
    assert "<span>2 deployments of org/shop</span>" in one
    assert 'data-label="Repository"' not in one
    assert "<span>2 deployments</span>" in several
    broken, still = several.partition("<noscript>")[::2]
    for part in (broken, still):
        assert '<td data-label="Repository">org/&lt;b&gt;</td>' in part


def test_machines_get_the_same_figures() -> None:
    entries = timeline_of(list(records(300)), now=WallTime(NOW)).entries
    unusual = unusual_of(entries)
    found = machine_data(entries, restores_of(entries), unusual, notices=["x"], now=WallTime(NOW))
    json.dumps(found, allow_nan=False)
    assert found["all"]["count"] == 300
    assert sum(one["count"] for one in found["environments"].values()) == 300
    assert len(found["unusual"]) == len(unusual)
    assert found["missing"] == ["x"]


def test_the_chart_library_is_what_its_manifest_says() -> None:
    folder = files("deploy_action.data") / "vendor"
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    there = {one.name: one.read_bytes() for one in folder.iterdir() if one.name.startswith("uPlot.")}
    assert {name: hashlib.sha256(content).hexdigest() for name, content in there.items()} == manifest[
        "sha256"
    ]
    assert manifest["version"].encode() in there["uPlot.iife.min.js"][:80]
    assert b"MIT License" in there["uPlot.LICENSE"]
