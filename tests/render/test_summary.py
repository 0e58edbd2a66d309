"""The job summary: one page, verdict first, within the runner's limits, whatever the names are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from deploy_action.core.causes import Cause
from deploy_action.core.change_set import Change
from deploy_action.core.events import Phase
from deploy_action.core.forecast import Estimate
from deploy_action.core.report import Ahead, Bar, Failure, Links, Outcome, Report, StackLine
from deploy_action.core.stacks import STACK_TYPE
from deploy_action.render.summary import BYTES_MAX, summary
from tests.core.story import ROOT
from tests.render.readers import elements
from tests.render.test_escape import hostile

NOON = 1_790_000_000.0
EMPTY = Report("20260102-030405-abcdef")
SHOP = StackLine("eu-west-1", "shop", ROOT, "UPDATE_ROLLBACK_COMPLETE")


def cause(name: str = "Service", reason: str = "circuit breaker", type_: str = "AWS::ECS::Service") -> Cause:
    return Cause(ROOT, "eu-west-1", name, type_, "UPDATE_FAILED", reason, NOON, label=name)


def bar(name: str = "Service", *, ended: float | None = NOON + 70, status: str = "UPDATE_FAILED") -> Bar:
    return Bar(
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
    estimate=Estimate(220.0, 250.0, 290.0, "median of 4 deployments"),
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
        (Outcome.SUCCEEDED, "## ✅ Deployed: production in 5m15s"),
        (Outcome.NO_CHANGES, "## ✅ Nothing to change: production in 5m15s"),
        (Outcome.FAILED, "## ❌ Failed: production in 5m15s"),
        (Outcome.ROLLED_BACK, "## ❌ Failed and rolled back: production in 5m15s"),
        (Outcome.BUSY, "## 🚧 Busy, not deployed: production"),
        (Outcome.SKIPPED, "## ⏭️ Skipped: production in 5m15s"),
        (Outcome.CANCELLED, "## 🛑 Cancelled: production in 5m15s"),
        (Outcome.UNKNOWN, "## ❓ Unknown, since the verdict could not be read: production in 5m15s"),
    ],
)
def test_the_verdict_comes_first(outcome: Outcome, headline: str) -> None:
    assert summary(replace(FULL, outcome=outcome), now=NOON).splitlines()[0] == headline


def test_only_what_went_well_has_a_green_sign() -> None:
    for outcome in Outcome:
        assert ("✅" in summary(replace(FULL, outcome=outcome), now=NOON)) is outcome.good


def test_the_page_of_a_deployment_that_was_rolled_back() -> None:
    page = summary(FULL, now=NOON + 400)
    assert (
        page
        == f"""\
## ❌ Failed and rolled back: production in 5m15s

**Service** (`AWS::ECS::Service`) `UPDATE_FAILED`

```text
circuit breaker
```

**What to do next.** Look at the service's events and the stopped tasks: aws ecs describe-services, then the \
reason of the last stopped task and its logs (image, secrets, health check, memory). \
([more](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-errors.html))

**Why it matters.** It matters.

**What to do next.** The stack is as it was. Set `x`.

| Stack | `eu-west-1/shop` is `UPDATE_ROLLBACK_COMPLETE` |
| :--- | :--- |
| Duration | 5m15s |
| Estimate | 4m10s (3m40s to 4m50s; median of 4 deployments) |
| Time in the queue | 1m15s, behind `20260102-030000-aaaaaa` |
| Lock | `production`, `network`, turn 7 |
| Exit code of the command | 3 |
| Links | [run](https://github.com/a/b/actions/runs/1) · [commit abc](https://github.com/a/b/commit/abc) \
· [shop in the console]({SHOP.console}) |
| Correlation id | `20260102-030405-abcdef` |

**Notes**

- The registry `github` did not answer.

```mermaid
gantt
    dateFormat YYYY-MM-DD HH:mm:ss
    axisFormat %M:%S
    section Deploy
    ~ Service 1m10s :crit, 2000-01-01 00:00:00, 2000-01-01 00:01:10
    section Rollback
    ~ Service 5m00s :done, 2000-01-01 00:00:00, 2000-01-01 00:05:00
```

**Slowest resources**

| Resource | Type | Action | Took |
| :--- | :--- | :--- | :--- |
| `Service` | `AWS::ECS::Service` | update (rollback) | 5m00s |
| `Service` | `AWS::ECS::Service` | update | 1m10s |

<details><summary>Planned changes (1)</summary>

| Action | Resource | Type | Replaced |
| :--- | :--- | :--- | :--- |
| Modify | `Service` | `AWS::ECS::Service` | perhaps |

</details>

<details><summary>All resources (2)</summary>

| Resource | Type | Action | Took | Status | Reason |
| :--- | :--- | :--- | :--- | :--- | :--- |
| `Service` | `AWS::ECS::Service` | update | 1m10s | `UPDATE_FAILED` | circuit breaker |
| `Service` | `AWS::ECS::Service` | update (rollback) | 5m00s | `UPDATE_COMPLETE` |  |

</details>
"""
    )


def test_all_causes_are_told_before_anything_else() -> None:
    page = summary(
        replace(FULL, causes=(cause("A"), cause("Database/B"), cause("shop", type_=STACK_TYPE))), now=NOON
    )
    places = [page.index(name) for name in ("**A**", "**Database/B**", "**shop** (stack)", "| Stack |")]
    assert places == sorted(places)


def test_what_kept_it_from_starting_is_told_in_three_sentences() -> None:
    failure = Failure(
        "The lock `production` was held.", "Nothing was changed.", "Raise `wait-timeout-in-minutes`."
    )
    page = summary(replace(EMPTY, outcome=Outcome.BUSY, failure=failure), now=NOON)
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
    assert summary(EMPTY, now=NOON) == (
        "## ❓ Unknown, since the verdict could not be read: deployment\n\n"
        "| Time in the queue | none |\n| :--- | :--- |\n| Correlation id | `20260102-030405-abcdef` |\n"
    )


def test_several_stacks_are_a_table() -> None:
    stacks = (SHOP, StackLine("us-east-1", "web", "", "UPDATE_COMPLETE"))
    page = summary(replace(FULL, environment="", stacks=stacks), now=NOON)
    assert page.startswith("## ❌ Failed and rolled back: shop, web in")
    assert "| `us-east-1` | `web` | `UPDATE_COMPLETE` |" in page


def test_what_still_runs_is_told_as_such() -> None:
    running = replace(
        FULL, outcome=Outcome.CANCELLED, ended=None, bars=(bar(ended=None, status="UPDATE_IN_PROGRESS"),)
    )
    page = summary(running, now=NOON + 60)
    assert "| `Service` | `AWS::ECS::Service` | update | 1m00s so far |" in page
    assert "~ Service 1m00s :active, " in page


def big(count: int) -> Report:
    return replace(
        FULL,
        bars=tuple(bar(f"Database/Resource{n}{'x' * 100}") for n in range(count)),
        changes=tuple(Change("Add", f"Resource{n}", "AWS::EC2::Instance") for n in range(count)),
        notes=tuple(f"Note {n}" for n in range(count)),
    )


def test_five_hundred_resources_fit_with_every_one_of_them() -> None:
    page = summary(big(500), now=NOON)
    assert len(page.encode()) < BYTES_MAX < 1024 * 1024
    assert page.count("`Database/Resource") >= 500
    chart = page[page.index("```mermaid") :].partition("```\n")[0]
    assert len(chart) < 50_000
    assert chart.count(":crit, ") == 40


def test_of_a_page_that_would_be_too_long_the_beginning_is_kept() -> None:
    hostile_bars = tuple(
        replace(bar("|" * 300), reason="<" * 300, resource_type="`" * 300) for _ in range(1000)
    )
    changes = tuple(Change("Add", "|" * 300, "|" * 300) for _ in range(1000))
    page = summary(replace(FULL, bars=hostile_bars, changes=changes), now=NOON)
    assert len(page.encode()) <= BYTES_MAX
    assert page.startswith("## ❌")
    assert "**What to do next.**" in page
    assert "Slowest resources" in page
    assert "<summary>All resources" not in page
    assert page.rstrip().endswith("The rest was left out: it is longer than GitHub shows.")


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
            stacks=(replace(SHOP, name=name, status=name), replace(SHOP, name=name, region=name)),
            causes=(cause(name, reason, name),),
            bars=(replace(bar(name), reason=reason, resource_type=name, action=name),),
            changes=(Change(name, name, name, replacement=name),),
            estimate=Estimate(1.0, 2.0, 3.0, sentence),
            failure=Failure(sentence, sentence, sentence),
            notes=(sentence, sentence),
        )
        return [tag for tag in elements(summary(report, now=NOON))[0] if tag != "code"]

    assert page(name, reason, sentence) == page("n", "r", "s")
