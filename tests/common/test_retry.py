"""Reads are asked again, within bounds."""

from __future__ import annotations

import time

import pytest

from deploy_action.common.retry import ask_again


class Silent(Exception):
    """No answer."""


def asked(seconds: float, *, hangs_seconds: float) -> int:
    """How often it was asked in vain."""
    calls: list[float] = []

    def call() -> None:
        calls.append(time.monotonic())
        time.sleep(hangs_seconds)
        raise Silent

    with pytest.raises(Silent):
        ask_again(call, on=Silent, give_up=lambda _error: False, seconds=seconds)
    return len(calls)


def test_who_refuses_at_once_is_asked_again() -> None:
    assert 2 <= asked(4.0, hangs_seconds=0.0) <= 3


def test_who_hung_for_longer_than_that_is_not() -> None:
    assert asked(0.1, hangs_seconds=0.2) == 1


def test_without_time_there_is_one_try() -> None:
    assert asked(0.0, hangs_seconds=0.0) == 1
