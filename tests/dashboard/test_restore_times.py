"""How long failures lasted."""

from __future__ import annotations

from deploy_action.dashboard.restore_times import broken_now, restores_of
from tests.history.entries import HOUR, entry


def hours(*entries: object) -> dict[str, float | None]:
    found = restores_of(entries)  # type: ignore[arg-type]
    return {name: one.seconds and one.seconds / HOUR for name, one in found.items()}


def test_from_the_failure_to_the_next_good_one() -> None:
    assert hours(entry("a", 0, "rolled-back"), entry("b", 3), entry("c", 5)) == {"a": 3}


def test_failures_in_a_row_are_one() -> None:
    assert hours(entry("a", 0, "failed"), entry("b", 1, "rolled-back"), entry("c", 4)) == {"a": 4}


def test_what_lasts_has_no_length() -> None:
    assert hours(entry("a", 0), entry("b", 1, "failed")) == {"b": None}


def test_another_stack_environment_or_account_mends_nothing() -> None:
    bad = entry("a", 0, "failed")
    assert hours(bad, entry("b", 1, stacks=("eu-west-1/other",))) == {"a": None}
    assert hours(bad, entry("b", 1, environment="test")) == {"a": None}
    assert hours(entry("a", 0, "failed", account="1"), entry("b", 1, account="2")) == {"a": None}


def test_a_stack_of_one_account_is_one_whatever_the_environment_is_called() -> None:
    collected = entry("b", 1, account="1", environment="")
    assert hours(entry("a", 0, "failed", account="1"), collected) == {"a": 1}


def test_all_stacks_have_to_be_good_again() -> None:
    both = entry("a", 0, "failed", stacks=("r/one", "r/two"))
    one, two = entry("b", 1, stacks=("r/one",)), entry("c", 2, stacks=("r/two",))
    assert hours(both, one) == {"a": None}
    assert hours(both, one, two) == {"a": 2}


def test_a_stack_that_needs_no_change_is_good_and_a_cancelled_one_tells_nothing() -> None:
    bad = entry("a", 0, "rolled-back")
    assert hours(bad, entry("b", 1, "cancelled"), entry("c", 2, "unknown")) == {"a": None}
    assert hours(bad, entry("b", 1, "no-changes")) == {"a": 1}


def test_a_pattern_is_mended_by_a_stack_of_it() -> None:
    bad = entry("a", 0, "failed", stacks=("eu-west-1/shop-*",))
    assert hours(bad, entry("b", 1, stacks=("eu-west-1/other",))) == {"a": None}
    assert hours(bad, entry("b", 1, stacks=("eu-west-1/shop-web",))) == {"a": 1}
    assert hours(entry("a", 0, "failed", stacks=()), entry("b", 1, stacks=())) == {"a": 1}


def test_tries_count_from_the_first_bad_one_to_the_good_one() -> None:
    entries = [entry("a", 0, "failed"), entry("b", 1, "failed"), entry("x", 2, "cancelled"), entry("c", 4)]
    assert restores_of(entries)["a"].tries == 3


def test_what_is_broken_now_is_named() -> None:
    entries = [
        entry("a", 0, "failed", environment="test"),
        entry("b", 1, environment="test"),
        entry("c", 2, "failed"),
        entry("d", 3, "failed", stacks=("eu-west-1/shop", "eu-west-1/web")),
        entry("e", 4, "unknown"),
    ]
    found = broken_now(entries)
    assert [(one.environment, one.stack, one.tries, one.last.deployment.correlation_id) for one in found] == [
        ("prod", "eu-west-1/web", 1, "d"),
        ("prod", "eu-west-1/shop", 2, "d"),
    ]
    assert found[1].since == entries[2].ended
    assert broken_now([*entries, entry("f", 5, stacks=("eu-west-1/shop", "eu-west-1/web"))]) == ()
