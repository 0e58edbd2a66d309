"""One alert a stall, one when it is over, none while a resource takes no longer than it usually does."""

from __future__ import annotations

from deploy_action.cloudformation.operation import Activity, Operation
from deploy_action.cloudformation.stacks import STACK_TYPE
from deploy_action.common.instants import CloudFormationTime
from deploy_action.estimation.forecast import NoForecast
from deploy_action.history.estimate import Basis, Usual
from deploy_action.monitoring.stall import look
from tests.cloudformation.story import ROOT, resource, stack, told
from tests.history.prior import PriorForecast

AT = 1_790_000_000.0
NONE: frozenset[str] = frozenset()


def running() -> Operation:
    operation = Operation()
    operation.apply(stack(AT, "CREATE_IN_PROGRESS"))
    operation.apply(resource(AT, "Service", "CREATE_IN_PROGRESS", type_="X::Y"))
    return operation


def test_it_alerts_once_and_once_when_it_is_over() -> None:
    operation = running()
    changes, alerted = look(operation, NoForecast(), now=CloudFormationTime(AT + 1801), alerted=NONE)
    assert [(c.began, c.label, c.seconds) for c in changes] == [(True, "Service", 1801.0)]
    changes, alerted = look(operation, NoForecast(), now=CloudFormationTime(AT + 1900), alerted=alerted)
    assert changes == ()
    operation.apply(resource(AT + 2000, "Service", "CREATE_COMPLETE", type_="X::Y"))
    changes, alerted = look(operation, NoForecast(), now=CloudFormationTime(AT + 2001), alerted=alerted)
    assert [(c.began, c.seconds) for c in changes] == [(False, 2000.0)]
    assert look(operation, NoForecast(), now=CloudFormationTime(AT + 9000), alerted=alerted) == ((), NONE)


def test_silence_that_ended_well_elsewhere_is_no_stall() -> None:
    assert look(running(), NoForecast(), now=CloudFormationTime(AT + 1474), alerted=NONE) == ((), NONE)


def test_published_averages_are_widened() -> None:
    forecast = PriorForecast({("X::Y", "CREATE"): 100.0})
    assert look(running(), forecast, now=CloudFormationTime(AT + 749), alerted=NONE)[0] == ()
    assert look(running(), forecast, now=CloudFormationTime(AT + 751), alerted=NONE)[0] != ()


def test_a_sign_of_life_and_a_fixed_time() -> None:
    operation = running()
    operation.apply(resource(AT + 1000, "Service", "CREATE_IN_PROGRESS", "still at it", type_="X::Y"))
    assert (
        look(operation, NoForecast(), now=CloudFormationTime(AT + 1059), alerted=NONE, after_seconds=60)[0]
        == ()
    )
    assert (
        look(operation, NoForecast(), now=CloudFormationTime(AT + 1061), alerted=NONE, after_seconds=60)[0]
        != ()
    )


def test_who_takes_long_but_is_heard_of_is_not_stalled() -> None:
    operation = running()
    operation.apply(resource(AT + 1790, "Service", "CREATE_IN_PROGRESS", "still at it", type_="X::Y"))
    assert look(operation, NoForecast(), now=CloudFormationTime(AT + 2689), alerted=NONE)[0] == ()
    assert look(operation, NoForecast(), now=CloudFormationTime(AT + 2691), alerted=NONE)[0] != ()


class Learned(NoForecast):
    """Knows this resource by `samples` runs of up to 100 s."""

    def __init__(self, samples: int) -> None:
        self.samples = samples

    def usual(self, activity: Activity, label: str) -> Usual:
        return Usual(60.0, 80.0, 100.0, self.samples, Basis.RESOURCE)


def test_few_runs_teach_less_than_many() -> None:
    assert look(running(), Learned(20), now=CloudFormationTime(AT + 149), alerted=NONE)[0] == ()
    assert look(running(), Learned(20), now=CloudFormationTime(AT + 151), alerted=NONE)[0] != ()
    assert look(running(), Learned(2), now=CloudFormationTime(AT + 179), alerted=NONE)[0] == ()
    assert look(running(), Learned(2), now=CloudFormationTime(AT + 181), alerted=NONE)[0] != ()


def test_a_nested_stack_does_not_stall_but_what_runs_in_it_does() -> None:
    operation = running()
    operation.apply(resource(AT, "Part", "CREATE_IN_PROGRESS", type_=STACK_TYPE))
    changes, _ = look(operation, NoForecast(), now=CloudFormationTime(AT + 5000), alerted=NONE)
    assert [change.label for change in changes] == ["Service"]


def test_of_two_stacks_that_have_a_resource_of_one_name_the_right_one_is_meant() -> None:
    other = ROOT.replace("eu-west-1", "us-east-1").replace("/shop/", "/web/")
    operation = told(
        stack(0, "CREATE_IN_PROGRESS"),
        stack(0, "CREATE_IN_PROGRESS", of=other),
        resource(1, "Table", "CREATE_IN_PROGRESS"),
        resource(1, "Table", "CREATE_IN_PROGRESS", of=other),
        resource(5000, "Table", "CREATE_COMPLETE", of=other),
    )
    changes, _ = look(operation, NoForecast(), now=CloudFormationTime(5001.0), alerted=frozenset())
    assert [(change.label, change.activity.stack_id) for change in changes] == [("shop/Table", ROOT)]
