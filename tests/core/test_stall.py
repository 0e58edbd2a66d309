"""One alert a stall, one when it is over, none while a resource takes no longer than it usually does."""

from __future__ import annotations

from deploy_action.core.durations import PriorForecast
from deploy_action.core.events import Operation
from deploy_action.core.forecast import NoForecast
from deploy_action.core.stall import key_of, look
from tests.core.story import resource, stack

AT = 1_790_000_000.0
NONE: frozenset[str] = frozenset()


def running() -> Operation:
    operation = Operation()
    operation.apply(stack(AT, "CREATE_IN_PROGRESS"))
    operation.apply(resource(AT, "Service", "CREATE_IN_PROGRESS", type_="X::Y"))
    return operation


def test_it_alerts_once_and_once_when_it_is_over() -> None:
    operation = running()
    changes, alerted = look(operation, NoForecast(), now=AT + 1801, heard={}, alerted=NONE)
    assert [(c.began, c.label, c.seconds) for c in changes] == [(True, "Service", 1801.0)]
    changes, alerted = look(operation, NoForecast(), now=AT + 1900, heard={}, alerted=alerted)
    assert changes == ()
    operation.apply(resource(AT + 2000, "Service", "CREATE_COMPLETE", type_="X::Y"))
    changes, alerted = look(operation, NoForecast(), now=AT + 2001, heard={}, alerted=alerted)
    assert [(c.began, c.seconds) for c in changes] == [(False, 2000.0)]
    assert look(operation, NoForecast(), now=AT + 9000, heard={}, alerted=alerted) == ((), NONE)


def test_silence_that_ended_well_elsewhere_is_no_stall() -> None:
    assert look(running(), NoForecast(), now=AT + 1474, heard={}, alerted=NONE) == ((), NONE)


def test_published_averages_are_widened() -> None:
    forecast = PriorForecast({("X::Y", "CREATE"): 100.0})
    assert look(running(), forecast, now=AT + 749, heard={}, alerted=NONE)[0] == ()
    assert look(running(), forecast, now=AT + 751, heard={}, alerted=NONE)[0] != ()


def test_a_sign_of_life_and_a_fixed_time() -> None:
    operation = running()
    heard = {key_of(operation.running[0]): AT + 1000}
    assert look(operation, NoForecast(), now=AT + 1059, heard=heard, alerted=NONE, after_seconds=60)[0] == ()
    assert look(operation, NoForecast(), now=AT + 1061, heard=heard, alerted=NONE, after_seconds=60)[0] != ()
