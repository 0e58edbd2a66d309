"""What stands out, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.dashboard.anomalies import NEEDED, REMEMBERED, STREAK, unusual_of
from deploy_action.history.operations import ResourceTiming
from tests.history.entries import entry

if TYPE_CHECKING:
    from deploy_action.dashboard.timeline import Entry


def steady(count: int, *, seconds: float = 300.0) -> list[Entry]:
    return [entry(f"s{n}", n, seconds=seconds * (1 + (n % 5 - 2) / 50)) for n in range(count)]


def why(past: list[Entry], last: Entry) -> str:
    return " ".join(unusual_of([*past, last]).get(last.deployment.correlation_id, ()))


def test_a_much_longer_one_says_how_much_and_against_what() -> None:
    told = why(steady(20), entry("x", 99, seconds=900))
    assert told.startswith("Took 15m00s, 3.0 times the usual 5m00s (median of 20 earlier ones of the same")


def test_a_much_shorter_one_stands_out_too() -> None:
    assert "only 20% of the usual" in why(steady(20), entry("x", 99, seconds=60))


def test_everyday_ones_do_not() -> None:
    assert unusual_of(steady(60)) == {}
    assert why(steady(20), entry("x", 99, seconds=330)) == ""


def test_a_few_seconds_are_never_unusual() -> None:
    assert why(steady(20, seconds=5), entry("x", 99, seconds=30)) == ""


def test_too_little_to_compare_with_marks_nothing() -> None:
    assert why(steady(NEEDED - 1), entry("x", 99, seconds=9000)) == ""
    assert why(steady(NEEDED), entry("x", 99, seconds=9000)) != ""


def test_odd_ones_before_do_not_hide_one() -> None:
    past = [*steady(20), *(entry(f"o{n}", 50 + n, seconds=3000) for n in range(4))]
    assert why(past, entry("x", 99, seconds=1500)) != ""


def test_what_lasts_becomes_usual() -> None:
    past = [*steady(40), *(entry(f"n{n}", 50 + n, seconds=900) for n in range(REMEMBERED))]
    assert why(past, entry("x", 999, seconds=900)) == ""


def test_a_mark_rests_on_earlier_ones_only() -> None:
    past = [*steady(20), entry("x", 30, seconds=900)]
    later = [entry(f"n{n}", 50 + n, seconds=900) for n in range(40)]
    assert unusual_of(past)["x"] == unusual_of([*past, *later])["x"]


def test_other_resources_are_compared_among_themselves() -> None:
    past = [*steady(20), *(entry(f"big{n}", 40 + n, seconds=2000, touched="big") for n in range(20))]
    assert why(past, entry("x", 99, seconds=2000, touched="big")) == ""
    assert "of the same resources" in why(past, entry("x", 99, seconds=2000))


def test_failed_ones_are_not_held_against_good_ones() -> None:
    assert why(steady(20), entry("x", 99, "failed", seconds=3000)) == ""


def test_the_resource_that_took_it_is_named() -> None:
    def of(name: str, hours: float, seconds: float) -> Entry:
        steps = (
            ResourceTiming("Database", "T", "UPDATE", 1, seconds - 60),
            ResourceTiming("Role", "T", "UPDATE", 1, 20),
        )
        return entry(name, hours, seconds=seconds, steps=steps)

    past = [of(f"s{n}", n, 300 + n % 5) for n in range(20)]
    assert why(past, of("x", 99, 900)).endswith("Above all Database: 14m00s, usually 4m02s.")


def test_a_long_wait_among_short_ones() -> None:
    past = [entry(f"s{n}", n, queue=n % 60) for n in range(40)]
    assert why(past, entry("x", 99, queue=1800)).startswith("Waited 30m00s in the queue")
    assert why(past, entry("x", 99, queue=200)) == ""
    assert why(past[:10], entry("x", 99, queue=1800)) == ""


def test_a_failure_after_many_good_ones() -> None:
    assert f"after {STREAK} good ones" in why(steady(STREAK), entry("x", 99, "rolled-back"))
    assert why(steady(STREAK - 1), entry("x", 99, "rolled-back")) == ""


def test_a_series_of_failures_stands_out_whatever_its_length() -> None:
    assert why([], entry("x", 99, "failed")) == ""
    one = [entry("a", 1), entry("bad", 90, "failed")]
    assert why(one, entry("x", 99, "failed")) == "Failed; the one before it of the same stacks failed too."
    three = [*one, entry("b", 91, "failed"), entry("c", 92, "cancelled"), entry("d", 93, "failed")]
    assert why(three, entry("x", 99, "rolled-back")) == (
        "Failed and rolled back; the 3 before it of the same stacks failed too."
    )
    assert why([*three, entry("good", 94)], entry("x", 99, "failed")) == ""
