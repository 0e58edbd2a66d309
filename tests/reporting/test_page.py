"""The job summary: one page, verdict first, within the runner's limits, whatever the names are."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings

from deploy_action.cloudformation.change_set import Change
from deploy_action.cloudformation.operation import Phase
from deploy_action.cloudformation.outcome import Outcome, StackLine
from deploy_action.cloudformation.stacks import STACK_TYPE
from deploy_action.common.instants import WallTime
from deploy_action.common.times import duration
from deploy_action.diagnosis.causes import Cause
from deploy_action.diagnosis.service_lookups import Finding
from deploy_action.errors import CommandFailed, InvalidInput
from deploy_action.estimation.accuracy import Accuracy
from deploy_action.history.estimate import Basis, Estimate, Usual
from deploy_action.job.context import with_failure
from deploy_action.reporting import headline as headlines
from deploy_action.reporting.comparison import Comparison
from deploy_action.reporting.report import Ahead, Failure, Links, Report
from deploy_action.reporting.resource_activity import ResourceActivity
from deploy_action.reporting.shared_causes import shortened
from deploy_action.reporting.summary.page import BYTES_MAX, summary
from tests.cloudformation.story import ROOT
from tests.common.test_escape import hostile
from tests.reporting.readers import elements, html_of

NOON = 1_790_000_000.0
EMPTY = Report("20260102-030405-abcdef")
SHOP = StackLine("eu-west-1", "shop", ROOT, "UPDATE_ROLLBACK_COMPLETE")


def cause(name: str = "Service", reason: str = "circuit breaker", type_: str = "AWS::ECS::Service") -> Cause:
    return Cause(ROOT, "eu-west-1", name, type_, "UPDATE_FAILED", reason, NOON, label=name)


def bar(
    name: str = "Service", *, ended: float | None = NOON + 70, status: str = "UPDATE_FAILED"
) -> ResourceActivity:
    return ResourceActivity(
        "shop", name, "AWS::ECS::Service", "UPDATE", Phase.DEPLOY, status, NOON, ended, "circuit breaker"
    )


FULL = Report(
    "20260102-030405-abcdef",
    outcome=Outcome.ROLLED_BACK,
    environment="production",
    locks=("production", "network"),
    epoch=7,
    queue_seconds=75.0,
    ahead=(Ahead("20260102-030000-aaaaaa", "https://github.com/a/b/actions/runs/9", "octocat"),),
    duration_seconds=315.0,
    started=NOON,
    ended=NOON + 315,
    stacks=(SHOP,),
    changes=(Change("Modify", "Service", "AWS::ECS::Service", replacement="Conditional"),),
    bars=(bar(), replace(bar(status="UPDATE_COMPLETE"), phase=Phase.ROLLBACK, ended=NOON + 300)),
    causes=(cause(),),
    failure=Failure("The deployment failed.", "It matters.", "The stack is as it was. Set `x`."),
    command_exit_code=3,
    estimate=Estimate(220.0, 250.0, 290.0, "deployments of the same resources", 4),
    notes=("The registry `github` did not answer.",),
    links=Links(
        run="https://github.com/a/b/actions/runs/1",
        commit="https://github.com/a/b/commit/abc",
        commit_id="abc",
    ),
)


@pytest.mark.parametrize(
    ("outcome", "headline"),
    [
        (Outcome.SUCCEEDED, "## ✅ Deployed: shop → production in 5m15s"),
        (Outcome.NO_CHANGES, "## ✅ Nothing to change: shop → production in 5m15s"),
        (Outcome.FAILED, "## ❌ Failed: shop → production in 5m15s"),
        (Outcome.ROLLED_BACK, "## ❌ Failed and rolled back: shop → production in 5m15s"),
        (Outcome.BUSY, "## 🚧 Busy, not deployed: shop → production"),
        (Outcome.SKIPPED, "## ⏭️ Skipped: shop → production in 5m15s"),
        (Outcome.CANCELLED, "## 🛑 Cancelled: shop → production in 5m15s"),
        (Outcome.UNKNOWN, "## ❓ Outcome unknown: shop → production in 5m15s"),
    ],
)
def test_the_verdict_comes_first(outcome: Outcome, headline: str) -> None:
    assert summary(replace(FULL, outcome=outcome), now=WallTime(NOON)).splitlines()[0] == headline


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.FAILED, Outcome.ROLLED_BACK])
def test_a_time_out_is_headed_as_one(outcome: Outcome) -> None:
    page = summary(replace(FULL, outcome=outcome, timed_out=True), now=WallTime(NOON))
    assert page.splitlines()[0] == "## ⌛ Did not end in time: shop → production in 5m15s"


def test_what_was_refused_is_headed_with_what_was_given() -> None:
    report = replace(EMPTY, outcome=Outcome.FAILED, not_started=True, asked=("shop", "shop-web"))
    assert summary(report, now=WallTime(NOON)).splitlines()[0] == "## 🚫 Not started: shop, shop-web"


@pytest.mark.parametrize("outcome", [Outcome.SUCCEEDED, Outcome.NO_CHANGES])
def test_what_went_well_is_headed_so_whatever_else_is_known(outcome: Outcome) -> None:
    report = replace(FULL, outcome=outcome)
    beside = replace(report, timed_out=True, not_started=True)
    assert headlines.headline(beside, str) == headlines.headline(report, str)


def test_only_what_went_well_has_a_green_sign() -> None:
    for outcome in Outcome:
        assert ("✅" in summary(replace(FULL, outcome=outcome), now=WallTime(NOON))) is outcome.good


def test_the_page_of_a_deployment_that_was_rolled_back() -> None:
    page = summary(FULL, now=WallTime(NOON + 400))
    assert (
        page
        == f"""\
## ❌ Failed and rolled back: shop → production in 5m15s

**Service** (`AWS::ECS::Service`) `UPDATE_FAILED`

> circuit breaker

**What to do next.** Look at the service's events and the stopped tasks: aws ecs describe-services, then the \
reason of the last stopped task and its logs (image, secrets, health check, memory). \
([more](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-errors.html))

**Why it matters.** It matters.

**The stack now.** The stack is as it was. Set `x`.

A success was expected to take 4m10s (3m40s to 4m50s, from 4 deployments of the same resources).

Began `2026-09-21 14:13:20 UTC`, ended `14:18:35 UTC` · \
`eu-west-1/shop` is `UPDATE_ROLLBACK_COMPLETE` · [Console]({SHOP.console}) · \
[Run](https://github.com/a/b/actions/runs/1) · [Commit `abc`](https://github.com/a/b/commit/abc)

| Time in the queue | Lock | Exit code of the command | Correlation id |
| :--- | :--- | :--- | :--- |
| 1m15s, behind [`20260102-030000-aaaaaa`](https://github.com/a/b/actions/runs/9) by octocat | \
`production`, `network`, epoch 7 | 3 | `20260102-030405-abcdef` |

**Notes**

- The registry `github` did not answer.

### Timeline

```mermaid
%%{{init: {{"gantt": {{"useWidth": 900, "leftPadding": 80}}}}}}%%
gantt
    accTitle: Timeline
    accDescr: 1 resource in 5m00s, the longest is Service with 1m10s, failed - Service, \
then it was rolled back
    dateFormat YYYY-MM-DD HH:mm:ss
    axisFormat %M:%S
    tickInterval 1minute
    todayMarker off
    section Deploy
    ~ Service 1m10s (failed) :crit, 2000-01-01 00:00:00, 2000-01-01 00:01:10
    section Rollback
    ↩ Rollback 5m00s (1 resource) :done, 2000-01-01 00:00:00, 2000-01-01 00:05:00
```

<sub>`~` updated</sub>

<details><summary>Rollback</summary>

```mermaid
%%{{init: {{"gantt": {{"useWidth": 900, "leftPadding": 80}}}}}}%%
gantt
    accTitle: Rollback
    accDescr: 1 resource in 5m00s, the longest is Service with 5m00s
    dateFormat YYYY-MM-DD HH:mm:ss
    axisFormat %M:%S
    tickInterval 1minute
    todayMarker off
    section Rollback
    ~ Service 5m00s :done, 2000-01-01 00:00:00, 2000-01-01 00:05:00
```

</details>

### Slowest resources

| Resource | Type | Action | Status | Took |
| :--- | :--- | :--- | :--- | :--- |
| `Service` | `AWS::ECS::Service` | update | `UPDATE_FAILED` | 1m10s |

<details><summary>Planned changes (1)</summary>

| Action | Resource | Type | Replaced |
| :--- | :--- | :--- | :--- |
| Modify | `Service` | `AWS::ECS::Service` | perhaps |

</details>

<details><summary>All resources (2)</summary>

| Resource | Type | Action | Took | Usually | Status | Reason |
| :--- | :--- | :--- | :--- | :--- | :--- | :--- |
| `Service` | `AWS::ECS::Service` | update | 1m10s |  | `UPDATE_FAILED` | circuit breaker |
| `Service` | `AWS::ECS::Service` | update (rollback) | 5m00s |  | `UPDATE_COMPLETE` |  |

</details>
"""
    )


def test_outputs_are_those_that_slack_shows_and_all_where_none_is_chosen() -> None:
    report = replace(
        FULL, outputs={"Url": "https://shop", "WebRole": "a", "WebName": "b", "Key": "AKIA" + 16 * "A"}
    )

    def shown(*names: str) -> list[str]:
        page = summary(report, now=WallTime(NOON), outputs=names)
        assert "AKIA" not in page
        return [name for name in report.outputs if f"| `{name}` |" in page]

    assert shown() == list(report.outputs)
    assert shown("Web*", "Key") == ["WebRole", "WebName", "Key"]
    assert shown("Nothing") == []


def test_all_causes_are_told_before_anything_else() -> None:
    page = summary(
        replace(FULL, causes=(cause("A"), cause("Database/B"), cause("shop", type_=STACK_TYPE))),
        now=WallTime(NOON),
    )
    places = [page.index(name) for name in ("**A**", "**Database/B**", "**shop** (stack)", "| Lock |")]
    assert places == sorted(places)


def test_what_kept_it_from_starting_is_told_in_three_sentences() -> None:
    failure = Failure(
        "The lock `production` was held.", "Nothing was changed.", "Raise `wait-timeout-in-minutes`."
    )
    page = summary(replace(EMPTY, outcome=Outcome.BUSY, failure=failure), now=WallTime(NOON))
    assert page.splitlines()[:6] == [
        "## 🚧 Busy, not deployed: deployment",
        "",
        "**What happened.** The lock `production` was held.",
        "",
        "**Why it matters.** Nothing was changed.",
        "",
    ]
    assert "mermaid" not in page
    assert "<details>" not in page


def test_what_is_not_known_is_left_out() -> None:
    assert summary(EMPTY, now=WallTime(NOON)) == (
        "## ❓ Outcome unknown: deployment\n\n"
        "| Time in the queue | Correlation id |\n| :--- | :--- |\n| none | `20260102-030405-abcdef` |\n"
    )


def test_an_unknown_outcome_names_its_cause_first_and_once_and_where_to_look() -> None:
    cause = "The AWS credentials have expired (ExpiredToken)."
    failure = Failure(
        "The AWS credentials have expired (ExpiredToken): how the deployment ended could not be read.",
        "Unknown is not success.",
        "Look at the stack.",
        cause=cause,
    )
    report = replace(
        EMPTY,
        failure=failure,
        last_seen=(replace(SHOP, status="UPDATE_IN_PROGRESS"),),
        notes=(f"{cause} Raise it.", shortened(cause, "credentials have expired"), "Another."),
    )
    page = summary(report, now=WallTime(NOON))
    assert page.splitlines()[2] == f"**What happened.** {failure.what}"
    assert page.count("credentials have expired") == 1
    assert "- Another." in page
    assert f"`eu-west-1/shop` was `UPDATE_IN_PROGRESS` when last seen ([Console]({SHOP.console}))" in page


def test_what_was_refused_has_taken_no_time() -> None:
    report = replace(FULL, outcome=Outcome.FAILED, not_started=True)
    assert summary(report, now=WallTime(NOON)).splitlines()[0] == "## 🚫 Not started: shop → production"


def test_what_was_cancelled_or_undone_is_held_against_nothing() -> None:
    usual = Usual(1.0, 2.0, 3.0, 5, Basis.RESOURCE)
    bars = (
        replace(bar("Broken"), usual=usual),
        replace(bar("Sibling"), usual=usual, reason="Resource update cancelled", ended=NOON + 30),
        replace(bar("Broken", status="UPDATE_COMPLETE"), usual=usual, phase=Phase.ROLLBACK),
    )
    page = summary(replace(FULL, bars=bars), now=WallTime(NOON))
    slow, _, rest = page.partition("### Slowest resources")[2].partition("<details>")
    assert "Sibling" not in slow
    assert "| `Sibling` | `AWS::ECS::Service` | update | cancelled |  | `UPDATE_FAILED` |" in rest
    assert page.count("**slower**") == 2, "in both tables, of the one that failed by itself"


def test_several_stacks_are_a_table() -> None:
    stacks = (SHOP, StackLine("us-east-1", "web", "", "UPDATE_COMPLETE"))
    page = summary(replace(FULL, environment="", stacks=stacks), now=WallTime(NOON))
    assert page.startswith("## ❌ Failed and rolled back: shop, web in")
    assert "| `us-east-1/web` | `UPDATE_COMPLETE` |  |" in page


def test_what_still_runs_is_told_as_such() -> None:
    running = replace(
        FULL, outcome=Outcome.CANCELLED, ended=None, bars=(bar(ended=None, status="UPDATE_IN_PROGRESS"),)
    )
    page = summary(running, now=WallTime(NOON + 60))
    assert "| `Service` | `AWS::ECS::Service` | update | `UPDATE_IN_PROGRESS` | 1m00s so far |" in page
    assert "~ Service 1m00s (no end seen) :active, " in page


def big(count: int) -> Report:
    return replace(
        FULL,
        bars=tuple(bar(f"Database/Resource{n}{'x' * 100}") for n in range(count)),
        changes=tuple(Change("Add", f"Resource{n}", "AWS::EC2::Instance") for n in range(count)),
        notes=tuple(f"Note {n}" for n in range(count)),
    )


def test_five_hundred_resources_fit_with_every_one_of_them() -> None:
    page = summary(big(500), now=WallTime(NOON))
    assert len(page.encode()) < BYTES_MAX < 1024 * 1024
    assert page.count("`Database/Resource") >= 500
    chart = page[page.index("```mermaid") :].partition("```\n")[0]
    assert len(chart) < 50_000
    assert chart.count(":crit, ") == 30


def test_long_tables_are_cut_and_say_so() -> None:
    hostile_bars = tuple(
        replace(bar("|" * 300), reason="<" * 300, resource_type="`" * 300) for _ in range(1000)
    )
    changes = tuple(Change("Add", "|" * 300, "|" * 300) for _ in range(1000))
    page = summary(replace(FULL, bars=hostile_bars, changes=changes), now=WallTime(NOON))
    assert len(page.encode()) <= BYTES_MAX
    assert re.search(r"<summary>Planned changes \(first \d+ of 1000\)</summary>", page)
    assert re.search(r"<summary>All resources \(first \d+ of 1000\)</summary>", page)
    assert elements(page)[0].count("details") == 2
    assert page.rstrip().endswith("</details>")


def test_of_a_page_that_would_be_too_long_the_beginning_is_kept() -> None:
    page = summary(big(100), now=WallTime(NOON), bytes_max=15_000)
    assert len(page.encode()) <= 15_000
    assert page.startswith("## ❌")
    assert "**The stack now.**" in page
    assert "Slowest resources" in page
    assert "<summary>All resources" not in page
    assert page.rstrip().endswith("The rest was left out: it is longer than GitHub shows.")


def test_hostile_words_everywhere_still_leave_room_for_the_chart() -> None:
    found = tuple(Finding(ROOT, f"S{n // 10}", "S", "ECS", "&" * 1000, f"k{n}") for n in range(100))
    causes = tuple(replace(cause(f"S{n}", "&" * 5000), logical_id=f"S{n}") for n in range(12))
    report = replace(big(1500), causes=causes, behind=found, notes=("&" * 2000,) * 70)
    page = summary(report, now=WallTime(NOON))
    assert 500_000 < len(page.encode()) <= BYTES_MAX
    assert "```mermaid" in page
    assert "And 2 more causes" in page
    assert "- and 20 more: the log has them all" in page


GOOD = replace(FULL, outcome=Outcome.SUCCEEDED, causes=(), failure=None)


@pytest.mark.parametrize(
    ("seconds", "judged"),
    [
        (250.0, "as expected"),
        (290.0, "as expected"),
        (290.0 + 65, "1m45s slower than expected"),
        (219.0, "31s faster than expected"),
    ],
)
def test_the_estimate_is_held_against_what_it_took(seconds: float, judged: str) -> None:
    page = summary(replace(GOOD, duration_seconds=seconds), now=WallTime(NOON))
    took = (
        f"Took {duration(seconds)}; expected 4m10s (3m40s to 4m50s, from 4 deployments of the same resources)"
    )
    assert page.splitlines()[2] == f"{took}: **{judged}**."


def test_how_good_the_estimates_before_were_is_told() -> None:
    page = summary(replace(GOOD, accuracy=Accuracy(10, 8, 0.063)), now=WallTime(NOON))
    assert (
        "Of the 10 estimates before, 8 held (80 %; the aim is 80 %), and half were at most 6 % off." in page
    )
    assert "estimates before" not in summary(replace(GOOD, accuracy=Accuracy(9, 3, 0.0)), now=WallTime(NOON))
    assert "estimates before" not in summary(
        replace(FULL, accuracy=Accuracy(10, 8, 0.063)), now=WallTime(NOON)
    )


@pytest.mark.parametrize(
    ("estimate", "words"),
    [
        (
            Estimate(1, 2, 3, "deployments of the same resources", 1),
            "from 1 deployment of the same resources",
        ),
        (Estimate(1, 2, 3, "typical durations", 0), "from typical durations"),
        (Estimate(1, 2, 3, "what these resources took before", 6), "from what these resources took before"),
    ],
)
def test_what_an_estimate_rests_on_is_told(estimate: Estimate, words: str) -> None:
    assert f"2s (1s to 3s, {words}" in summary(replace(GOOD, estimate=estimate), now=WallTime(NOON))


def test_an_unknown_outcome_is_held_against_nothing() -> None:
    page = summary(replace(GOOD, outcome=Outcome.UNKNOWN), now=WallTime(NOON))
    assert "**as expected**" not in page
    assert "A success was expected to take 4m10s" in page


@pytest.mark.parametrize("outcome", [Outcome.NO_CHANGES, Outcome.BUSY, Outcome.SKIPPED])
def test_what_did_nothing_is_not_held_against_an_estimate(outcome: Outcome) -> None:
    assert "expected" not in summary(replace(GOOD, outcome=outcome), now=WallTime(NOON))


def test_usual_and_last_times_stand_beside_the_slowest() -> None:
    usual = Usual(50.0, 55.0, 62.0, 4, Basis.RESOURCE)
    good = replace(bar(status="UPDATE_COMPLETE"), usual=usual, last_seconds=55.0)
    page = summary(
        replace(GOOD, bars=(good, replace(good, label="New", usual=None, last_seconds=None))),
        now=WallTime(NOON),
    )
    assert "| Resource | Type | Action | Took | Usually | Last time |" in page
    assert "| `Service` | `AWS::ECS::Service` | update | 1m10s | 50s to 1m02s · **slower** | 55s |" in page
    assert "| `New` | `AWS::ECS::Service` | update | 1m10s |  |  |" in page


def test_of_several_stacks_resources_are_told_apart() -> None:
    bars = (bar("A"), replace(bar("A"), stack="us-east-1/web"))
    page = summary(replace(GOOD, bars=bars), now=WallTime(NOON))
    assert "| `us-east-1/web` | `A` |" in page


class TestSinceLastTime:
    OLD, NEW = "a" * 40, "b" * 40
    LINKS = Links(commit=f"https://github.com/a/b/commit/{NEW}", commit_id=NEW)
    THEN = Comparison(
        "eu-west-1/shop", 200.0, 228.0, "2026-09-20T14:13:20Z", OLD, "https://github.com/a/b/r/8"
    )

    def told(self, *found: Comparison, **more: object) -> str:
        page = summary(replace(GOOD, comparisons=found, links=self.LINKS, **more), now=NOON)  # type: ignore[arg-type]
        return page.partition("### What changed since the last good deployment\n\n")[2].partition(
            "\n\n<details>"
        )[0]

    def test_when_it_was_and_what_lies_between(self) -> None:
        assert self.told(replace(self.THEN, same=True)) == (
            "Compared with [2026-09-20 14:13 UTC](https://github.com/a/b/r/8), "
            f"commits [`aaaaaaa` to `bbbbbbb`](https://github.com/a/b/compare/{self.OLD}...{self.NEW}):\n\n"
            "- CloudFormation took 3m20s, last time 3m48s (-28s)\n- The same resources were touched"
        )

    def test_what_else_was_touched(self) -> None:
        added = tuple(("CREATE", f"New{n}") for n in range(8))
        told = self.told(
            replace(
                self.THEN, same=False, added=added, added_count=70, gone=(("UPDATE", "Old"),), gone_count=1
            )
        )
        assert "- Touched only this time: `+ New0`, `+ New1`" in told
        assert "`+ New5` and 64 more\n" in told
        assert "- Touched only last time: `~ Old`" in told

    def test_what_was_notably_slower_or_faster(self) -> None:
        def one(name: str, now: float, then: float) -> ResourceActivity:
            good = bar(name, ended=NOON + now, status="UPDATE_COMPLETE")
            return replace(good, stack="eu-west-1/shop", last_seconds=then)

        bars = (one("Slow", 60, 40), one("Fast", 20, 40), one("Even", 41, 40), one("Long", 104, 100))
        told = self.told(self.THEN, bars=bars)
        assert "- Slower: `Slow` 1m00s (was 40s)\n" in told
        assert "- Faster: `Fast` 20s (was 40s)" in told
        assert "Even" not in told
        assert "Long" not in told

    def test_several_stacks_are_a_line_each_under_the_deployment_before(self) -> None:
        told = self.told(self.THEN, replace(self.THEN, stack="eu-west-1/web", same=True))
        assert told.count("Compared with") == 1
        assert (
            "- `eu-west-1/web`: CloudFormation took 3m20s, last time 3m48s (-28s); the same resources" in told
        )

    @pytest.mark.parametrize("commit", ["", "`x`", "../../evil", "b" * 40 + "\n"])
    def test_a_commit_that_is_none_makes_no_link(self, commit: str) -> None:
        told = self.told(replace(self.THEN, commit=commit))
        assert "compare" not in told
        assert told.startswith("Compared with [2026-09-20 14:13 UTC](https://github.com/a/b/r/8):")

    def test_the_same_commit_is_told_as_such(self) -> None:
        assert ", of the same commit `bbbbbbb`:" in self.told(replace(self.THEN, commit=self.NEW))

    def test_of_one_that_failed_no_times_are_compared(self) -> None:
        told = self.told(self.THEN, outcome=Outcome.FAILED)
        assert "CloudFormation took" not in told
        assert told.endswith(":\n\n- Nothing notable"), "a colon with nothing behind it"


def test_those_ahead_are_links_and_only_a_few() -> None:
    ahead = tuple(Ahead(f"id{n}", f"https://github.com/a/b/runs/{n}", f"cat{n}") for n in range(9))
    page = summary(replace(GOOD, ahead=ahead), now=WallTime(NOON))
    assert "1m15s, behind [`id0`](https://github.com/a/b/runs/0) by cat0, [`id1`]" in page
    assert "by cat2 and 6 more |" in page
    assert "id3" not in page


NOT_OURS = [
    "https://evil.example/a/b/actions/runs/9",
    "http://github.com/a/b/actions/runs/9",
    "https://github.com@evil.example/a",
    "https://github.com.evil.example/a",
    "https://github.com:8443/a",
    "https://github.com/a) [x](https://evil.example",
    "javascript:alert(1)",
    "//evil.example",
    "https://gіthub.com/a",
]


@pytest.mark.parametrize("url", NOT_OURS)
def test_links_out_of_the_registry_lead_to_our_own_server_alone(url: str) -> None:
    """Those ahead, and the deployment that this one is compared with: their words stay, without a link."""

    def page_with(address: str) -> str:
        then = replace(TestSinceLastTime.THEN, url=address)
        ahead = (Ahead("20260102-030000-aaaaaa", address, "octocat"),)
        return summary(replace(GOOD, ahead=ahead, comparisons=(then,)), now=WallTime(NOON))

    def links(page: str) -> list[str]:
        return re.findall(r'href="([^"]*)"', html_of(page))

    page = page_with(url)
    assert links(page) == links(page_with(""))
    assert len(links(page_with("https://github.com/a/b/actions/runs/9"))) == len(links(page)) + 2
    assert "20260102-030000-aaaaaa" in page
    assert "2026-09-20 14:13 UTC" in page


@pytest.mark.parametrize("url", ["https://github.com/a/b/actions/runs/9", "https://evil.example/x"])
def test_on_a_server_of_ones_own_the_registrys_links_lead_there_alone(url: str) -> None:
    home = Links(run="https://git.corp.example/a/b/actions/runs/1")
    ahead = (Ahead("id", url, "x"), Ahead("id2", "https://git.corp.example/a/b/actions/runs/9", "y"))
    page = summary(replace(GOOD, ahead=ahead, links=home), now=WallTime(NOON))
    assert url not in page
    assert "https://git.corp.example/a/b/actions/runs/9" in page


def test_the_thread_in_slack_is_linked_where_it_is_known() -> None:
    links = replace(FULL.links, thread="https://a.slack.com/archives/C1/p1")
    assert "[Thread in Slack](https://a.slack.com/archives/C1/p1)" in summary(
        replace(GOOD, links=links), now=WallTime(NOON)
    )
    assert "Slack" not in summary(GOOD, now=WallTime(NOON))


@settings(max_examples=60, deadline=None)
@given(hostile, hostile, hostile)
def test_hostile_names_leave_the_page_as_it_is(name: str, reason: str, sentence: str) -> None:
    name, reason, sentence = f"n{name}", f"r{reason}", f"s{sentence}"

    def page(name: str, reason: str, sentence: str) -> list[str]:
        report = replace(
            FULL,
            environment=name,
            locks=(name,),
            ahead=(Ahead(name, name, name),),
            links=Links(name, name, name, name),
            comparisons=(
                Comparison(
                    name, 9.0, 5.0, sentence, name, name, same=False, added=((name, name),), added_count=1
                ),
                Comparison("s", 9.0, 5.0, "2026", "a", "b"),
            ),
            stacks=(replace(SHOP, name=name, status=name), replace(SHOP, name=name, region=name)),
            causes=(cause(name, reason, name),),
            bars=(replace(bar(name), reason=reason, resource_type=name, action=name),),
            changes=(Change(name, name, name, replacement=name),),
            estimate=Estimate(1.0, 2.0, 3.0, sentence),
            failure=Failure(sentence, sentence, sentence),
            notes=(sentence, sentence),
        )
        return [tag for tag in elements(summary(report, now=WallTime(NOON)))[0] if tag != "code"]

    assert page(name, reason, sentence) == page("n", "r", "s")


def test_a_long_cause_wraps_and_inputs_that_are_wrong_are_a_list() -> None:
    long = "User is not authorized to perform " + "x" * 3_000
    (found,) = FULL.causes
    page = summary(replace(FULL, causes=(replace(found, reason=long),)), now=WallTime(NOON))
    assert f"> {long}" in page
    error = InvalidInput(("`template` is not there.", "`mode` has to be `watch`."))
    refused = with_failure(Report("id"), error, Outcome.FAILED)
    assert (
        "**What happened.** 2 inputs are wrong:\n\n- `template` is not there.\n- `mode` has to be `watch`."
        in summary(refused, now=WallTime(NOON))
    )
    one = with_failure(Report("id"), InvalidInput(("`template` is not there.",)), Outcome.FAILED)
    assert "1 input is wrong: `template` is not there." in summary(one, now=WallTime(NOON))


def test_the_last_lines_of_a_failed_command_are_behind_a_fold_without_secrets() -> None:
    token = "ghp_" + "a1B2" * 9
    error = CommandFailed(
        2, ("no such file",), tail=("Synthesizing", f"using {token}", "::error::no such file")
    )
    page = summary(with_failure(Report("id"), error, Outcome.FAILED), now=WallTime(NOON))
    folded = page[page.index("<details><summary>The command's last lines (3)</summary>") :]
    assert "Synthesizing\n(looks like a credential, so it is not shown)\n" in folded
    assert token not in page
    assert "last lines" not in summary(
        with_failure(Report("id"), CommandFailed(2), Outcome.FAILED), now=WallTime(NOON)
    )
