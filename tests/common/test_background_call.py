"""Work in a thread of its own: what it gives, what it raises, and that nobody waits for it for long."""

from __future__ import annotations

import threading
from time import monotonic

import pytest

from deploy_action.common.background_call import BackgroundCall


def test_its_answer_is_there_when_it_is_asked_for() -> None:
    aside = BackgroundCall(lambda: 7, "test")
    assert aside.result(5.0) == 7
    assert aside.result_so_far() == 7


def test_its_error_is_raised_where_somebody_hears_it() -> None:
    def broken() -> int:
        raise KeyError("defect")

    aside = BackgroundCall(broken, "test")
    with pytest.raises(KeyError):
        aside.result(5.0)
    assert aside.result_so_far() is None


def test_what_hangs_is_waited_for_once_and_no_longer_than_its_time_from_the_start() -> None:
    gate = threading.Event()
    aside = BackgroundCall(lambda: gate.wait(30), "test")
    try:
        began = monotonic()
        assert aside.result_so_far() is None
        for _ in range(3):
            with pytest.raises(TimeoutError):
                aside.result(0.2)
        assert monotonic() - began < 2.0
    finally:
        gate.set()
