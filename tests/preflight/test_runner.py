"""Checks side by side: what is slow, denied or broken costs itself only."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from deploy_action.errors import BehindDenied, BehindUnavailable
from deploy_action.preflight.finding import Finding, Level, finding
from deploy_action.preflight.runner import Check, Once, Preflight

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT = 20.0


def fine() -> list[Finding]:
    return [finding("parameter-missing", "The parameter `A` has no value.")]


def run(*checks: Check) -> Preflight:
    preflight = Preflight(checks)
    preflight.start()
    return preflight


def test_what_hangs_holds_up_nothing_and_is_told_at_the_end() -> None:
    release = threading.Event()

    def hang() -> list[Finding]:
        release.wait(WAIT)
        return fine()

    preflight = run(Check("whether it hangs", hang), Check("the rest", fine))
    began = time.monotonic()
    assert not preflight.wait(0.2)
    assert time.monotonic() - began < WAIT / 2
    assert [one.code for one in preflight.take()] == ["parameter-missing"]
    late = preflight.give_up()
    assert [(one.code, one.level) for one in late] == [("check-unanswered", Level.NOTE)]
    assert "whether it hangs" in late[0].what
    release.set()
    time.sleep(0.05)
    assert preflight.take() == [], "what comes after that is not told any more"


def test_what_is_denied_names_the_permission() -> None:
    def denied() -> Iterator[Finding]:
        yield from fine()
        raise BehindDenied("ssm:GetParameters")

    preflight = run(Check("whether parameters exist", denied))
    assert preflight.wait(WAIT)
    first, second = preflight.take()
    assert first.code == "parameter-missing"
    assert (second.code, second.level) == ("check-denied", Level.NOTE)
    assert "`ssm:GetParameters`" in second.what
    assert "whether parameters exist" in second.what


@pytest.mark.parametrize("error", [BehindUnavailable("no connection"), ZeroDivisionError("oops")])
def test_what_breaks_is_a_note(error: Exception) -> None:
    def broken() -> list[Finding]:
        raise error

    preflight = run(Check("whether it works", broken), Check("the rest", fine))
    assert preflight.wait(WAIT)
    assert [(one.code, one.level) for one in preflight.take()] == [
        ("parameter-missing", Level.BLOCKING),
        ("check-unanswered", Level.NOTE),
    ]


def test_a_finding_of_several_checks_is_told_once() -> None:
    preflight = run(Check("a", fine), Check("b", fine))
    assert preflight.wait(WAIT)
    assert len(preflight.take()) == 1
    assert preflight.take() == []


def test_who_only_wants_what_is_known_waits_for_nobody() -> None:
    release = threading.Event()

    def ask() -> int:
        release.wait(WAIT)
        return 1

    once = Once(ask)
    asking = threading.Thread(target=once)
    asking.start()
    began = time.monotonic()
    assert once.known() is None
    assert time.monotonic() - began < WAIT / 2
    release.set()
    asking.join()
    assert once.known() == 1


def test_a_fact_is_asked_for_once_and_its_error_is_everybodys() -> None:
    asked: list[int] = []

    def ask() -> int:
        asked.append(1)
        time.sleep(0.02)
        raise BehindDenied("sts:Nothing")

    once = Once(ask)
    caught: list[BehindDenied] = []

    def get() -> None:
        try:
            once()
        except BehindDenied as error:
            caught.append(error)

    threads = [threading.Thread(target=get) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked) == 1
    assert len(caught) == 5
