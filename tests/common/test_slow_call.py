"""A call that takes long is spoken of, and one that does not is not."""

from __future__ import annotations

import threading
import time

from deploy_action.common.clock import SystemClock
from deploy_action.common.slow_call import SlowCall
from tests.clock import VirtualClock


def test_a_call_that_takes_long_speaks_at_growing_pauses() -> None:
    told: list[str] = []
    thrice = threading.Event()

    def tell(line: str) -> None:
        told.append(line)
        if len(told) == 3:
            thrice.set()

    with SlowCall("the registry", tell, SystemClock(), first_seconds=0.05):
        assert thrice.wait(10)
    assert told[0] == "Waiting for the registry (0s so far)."


def test_what_is_over_or_speaks_by_itself_is_left_alone() -> None:
    told: list[str] = []
    with SlowCall("the registry", told.append, SystemClock(), first_seconds=0.05) as slow:
        slow.stop()
        time.sleep(0.2)
    with SlowCall("the registry", told.append, SystemClock(), first_seconds=0.2):
        pass
    time.sleep(0.3)
    assert told == []


def test_nobody_speaks_in_virtual_time() -> None:
    told: list[str] = []
    with SlowCall("the registry", told.append, VirtualClock(), first_seconds=0.01):
        time.sleep(0.1)
    assert told == []
