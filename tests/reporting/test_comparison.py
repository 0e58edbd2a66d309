"""A deployment beside the last good one of its stack."""

from __future__ import annotations

from dataclasses import replace

from deploy_action.history.deployments import DeploymentHistory
from deploy_action.history.operations import STEPS_MAX, runs_of
from deploy_action.reporting.comparison import LABELS_MAX, Comparison, compared
from deploy_action.reporting.resource_activity import ResourceActivity, resource_activities
from tests.pages.stories import NOON, Row, history, played

FUNCTION = "AWS::Lambda::Function"


def rows(*names: str, action: str = "UPDATE", seconds: float = 10) -> list[Row]:
    return [(name, FUNCTION, action, 2, seconds) for name in names]


def compare(
    now: list[Row], *before: list[Row], failing: str = ""
) -> tuple[tuple[ResourceActivity, ...], tuple[Comparison, ...]]:
    operation = played(now, failing=failing)
    past = history([played(one, began=NOON - 1000 * (9 - n)) for n, one in enumerate(before)])
    return compared(resource_activities(operation), runs_of(operation), past)


def test_the_first_deployment_is_compared_with_nothing() -> None:
    bars, found = compare(rows("A"))
    assert found == ()
    assert [bar.last_seconds for bar in bars] == [None]


def test_the_newest_good_one_counts_not_one_that_failed_nor_one_of_another_kind() -> None:
    operation = played(rows("A", seconds=30))
    past = history(
        [
            played(rows("A", seconds=10), began=NOON - 5000),
            played(rows("A", seconds=20), began=NOON - 4000),
            played(rows("A", seconds=25), began=NOON - 3000, failing="A"),
            played(rows("A", seconds=28, action="CREATE"), began=NOON - 2000, kind="CREATE"),
            played(rows("A", seconds=29), began=NOON - 1000, stack="other"),
        ]
    )
    (bar,), (found,) = compared(resource_activities(operation), runs_of(operation), past)
    assert bar.last_seconds == 20
    assert (found.seconds, found.last_seconds) == (37, 27)
    assert (found.ended, found.url, found.commit) == tuple(
        getattr(past.deployments[1], name) for name in ("ended", "url", "commit")
    )


def test_the_same_set_is_told_as_such() -> None:
    _, (found,) = compare(rows("A", "B"), rows("B", "A"))
    assert found.same is True
    assert found.added == found.gone == ()


def test_what_was_touched_only_now_or_only_then() -> None:
    _, (found,) = compare(rows("A", "B", "New"), rows("A", "B", "Old"))
    assert found.same is False
    assert (found.added, found.gone) == ((("UPDATE", "New"),), (("UPDATE", "Old"),))


def test_the_same_resource_in_another_way_is_another_touch() -> None:
    _, (found,) = compare(rows("A", "B"), [*rows("A"), *rows("B", action="CREATE")])
    assert (found.added, found.gone) == ((("UPDATE", "B"),), (("CREATE", "B"),))


def test_names_with_a_hash_are_compared_without_it() -> None:
    version = ("AWS::Lambda::Version", "CREATE", 2.0)
    now: list[Row] = [("HandlerVersion1f0c2b7a9d", *version, 5)]
    then: list[Row] = [("HandlerVersion00aabbccdd", *version, 4)]
    bars, (found,) = compare(now, then)
    assert found.same is True
    assert [bar.last_seconds for bar in bars] == [4]


def test_what_a_failed_one_did_not_come_to_is_not_missing() -> None:
    _, (found,) = compare(
        [*rows("A", "Broken", "New"), ("Late", FUNCTION, "UPDATE", 50, 5)], rows("A", "Old"), failing="Broken"
    )
    assert found.gone == ()
    assert ("UPDATE", "New") in found.added
    assert found.same is None


def test_lists_that_were_cut_are_not_compared() -> None:
    many = rows(*(f"R{n}" for n in range(STEPS_MAX)))
    _, (found,) = compare(rows("A"), many)
    assert (found.added, found.gone) == ((), ())
    assert found.same is False


def test_long_lists_are_bounded_and_counted() -> None:
    _, (found,) = compare(rows(*(f"R{n:03}" for n in range(100))), rows("A"))
    assert (len(found.added), found.added_count) == (LABELS_MAX, 100)


def test_a_history_without_resources_says_when_and_how_long_only() -> None:
    operation = played(rows("A"))
    past = history([played(rows("B"), began=NOON - 1000)])
    bare = replace(past.deployments[0], runs=tuple(replace(run, steps=()) for run in past.runs))
    bars, (found,) = compared(resource_activities(operation), runs_of(operation), DeploymentHistory((bare,)))
    assert (found.added, found.gone, found.same) == ((), (), False)
    assert bars[0].last_seconds is None
