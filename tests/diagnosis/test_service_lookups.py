"""Which looks are due, and what counts as new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.common.instants import CloudFormationTime
from deploy_action.diagnosis.service_lookups import Facts, Finding, Planner, Service, finding_maker
from deploy_action.estimation.forecast import NoForecast
from deploy_action.history.estimate import Basis, Usual
from tests.cloudformation.story import ROOT, resource, stack, told

if TYPE_CHECKING:
    from deploy_action.cloudformation.operation import Activity, Operation

ECS = "AWS::ECS::Service"


class Knowing(NoForecast):
    """Everything usually takes so long."""

    def __init__(self, high: float, samples: int = 3) -> None:
        self._usual = Usual(0, high / 2, high, samples, Basis.RESOURCE)

    def usual(self, activity: Activity, label: str) -> Usual | None:
        return self._usual


def waiting(*names: str, type_: str = ECS) -> Operation:
    begun = (resource(0, name, "CREATE_IN_PROGRESS", type_=type_) for name in names)
    return told(stack(0, "CREATE_IN_PROGRESS"), *begun)


def times(planner: Planner, operation: Operation, until: int) -> list[int]:
    return [now for now in range(until) if planner.due(operation, now=CloudFormationTime(now))]


def test_a_silent_service_is_looked_at_at_growing_intervals() -> None:
    assert times(Planner(), waiting("Web"), 500) == [60, 90, 150, 270, 390]


def test_what_is_usual_here_sets_the_patience_within_bounds() -> None:
    operation = waiting("Web")
    first = {high: times(Planner(Knowing(high)), operation, 200)[0] for high in (5, 40, 100, 1500)}
    assert first == {5: 20, 40: 40, 100: 100, 1500: 180}
    assert times(Planner(Knowing(1500, samples=0)), operation, 200)[0] == 60


def test_types_that_no_service_explains_are_not_looked_at() -> None:
    assert times(Planner(), waiting("Bucket", type_="AWS::S3::Bucket"), 1000) == []


def test_four_at_a_time_and_the_others_next() -> None:
    planner = Planner()
    operation = waiting(*"ABCDEF")
    assert [look.subject.logical_id for look in planner.due(operation, now=CloudFormationTime(60))] == [
        "A",
        "B",
        "C",
        "D",
    ]
    assert [look.subject.logical_id for look in planner.due(operation, now=CloudFormationTime(62))] == [
        "E",
        "F",
    ]


def failed(type_: str, reason: str = "no") -> Operation:
    return told(
        stack(0, "CREATE_IN_PROGRESS"),
        resource(1, "Thing", "CREATE_IN_PROGRESS", type_=type_),
        resource(9, "Thing", "CREATE_FAILED", reason, type_=type_),
        resource(9, "Other", "CREATE_IN_PROGRESS", type_="AWS::S3::Bucket"),
        resource(10, "Other", "CREATE_FAILED", "Resource creation cancelled", type_="AWS::S3::Bucket"),
    )


def test_a_failure_is_looked_at_once_and_once_more_at_the_end() -> None:
    planner = Planner()
    operation = failed(ECS)
    expected = [(Service.ECS, "Thing"), (Service.CLOUDTRAIL, "Thing")]
    assert [
        (look.service, look.subject.logical_id) for look in planner.due(operation, now=CloudFormationTime(10))
    ] == expected
    assert planner.due(operation, now=CloudFormationTime(500)) == []
    assert [(look.service, look.subject.logical_id) for look in planner.last(operation)] == expected


def test_cloudtrail_is_asked_of_failures_only_and_not_of_custom_resources() -> None:
    assert [
        look.service for look in Planner().due(failed("AWS::S3::Bucket"), now=CloudFormationTime(10))
    ] == [Service.CLOUDTRAIL]
    assert [look.service for look in Planner().due(failed("Custom::Thing"), now=CloudFormationTime(10))] == [
        Service.LAMBDA
    ]


def test_the_budget_ends() -> None:
    planner = Planner(requests_max=7)
    assert times(planner, waiting("Web"), 1000) == [60, 90]
    assert planner.last(waiting("Web")) == []


def test_a_service_that_denied_is_not_asked_again() -> None:
    planner = Planner()
    planner.never_again(Service.ECS)
    assert times(planner, waiting("Web"), 1000) == []
    assert [look.service for look in planner.last(failed(ECS))] == [Service.CLOUDTRAIL]


def finding(key: str, text: str) -> Finding:
    return Finding(ROOT, "Web", "Web", "ECS", text, key)


def test_a_fact_is_new_once_by_its_key_and_once_by_its_words() -> None:
    facts = Facts()
    assert len(facts.new([finding("1", "a"), finding("1", "b"), finding("2", "a"), finding("3", "c")])) == 2


def test_no_resource_fills_the_log() -> None:
    assert len(Facts().new([finding(str(n), f"text {n}") for n in range(100)])) == 25


def test_a_finding_is_one_bounded_line() -> None:
    (look, *_) = Planner().due(waiting("Web"), now=CloudFormationTime(60))
    made = finding_maker(look.subject, Service.ECS)("k", "a\n" * 5000)
    assert "\n" not in made.text
    assert len(made.text) <= 1500
