"""The table of durations: what was measured once does not outweigh what was published."""

from __future__ import annotations

import pytest

from deploy_action.data import read_table
from deploy_action.estimation.estimator import before
from deploy_action.estimation.planned_changes import Planned, PlannedChanges
from deploy_action.estimation.published_durations import blended, parse_samples, parse_table
from deploy_action.history.deployments import DeploymentHistory

TABLE = read_table("resource-durations.tsv")


def test_one_odd_measurement_does_not_replace_an_average() -> None:
    seconds, count = blended(119, 1475.6, 1)
    assert 119 < seconds < 240
    assert count == 0, "the interval stays as wide as an average's"


def test_many_measurements_outweigh_an_average() -> None:
    seconds, count = blended(25, 8, 30)
    assert seconds == pytest.approx(8.3, abs=0.1)
    assert count == 30


def test_what_only_one_side_knows_stands_alone() -> None:
    assert blended(0, 6.5, 1) == (6.5, 1)
    assert blended(119, 0, 0) == (119, 0)


def test_a_measurement_that_agrees_weighs_by_its_number() -> None:
    few, many = blended(100, 150, 1)[0], blended(100, 150, 10)[0]
    assert 100 < few < many < 150


# What is documented, or was recorded: AWS calls five to ten minutes usual for an RDS instance, and ten to
# fifteen for an EKS cluster; CloudFront is deployed within five minutes; the Fargate service took 221 s.
@pytest.mark.parametrize(
    ("resource_type", "low", "high"),
    [
        ("AWS::ECS::Service", 90, 300),
        ("AWS::RDS::DBInstance", 300, 600),
        ("AWS::CloudFront::Distribution", 180, 330),
        ("AWS::EKS::Cluster", 480, 900),
    ],
)
def test_slow_resources_are_told_in_their_documented_range(
    resource_type: str, low: float, high: float
) -> None:
    past = DeploymentHistory(prior=parse_table(TABLE), prior_samples=parse_samples(TABLE))
    plan = PlannedChanges("eu-west-1/shop", "create", (Planned("One", resource_type, "CREATE"),))
    assert low < before(plan, past).mid_seconds < high


def test_slow_deletions_are_expected_after_a_replacement() -> None:
    past = DeploymentHistory(prior=parse_table(TABLE), prior_samples=parse_samples(TABLE))
    change = Planned("Instance", "AWS::EC2::Instance", "UPDATE", replacement=True)
    plan = PlannedChanges("eu-west-1/shop", "update", (change,))
    assert 45 < before(plan, past).mid_seconds < 110


def test_one_deletion_of_what_was_never_made_teaches_nothing() -> None:
    table = (
        "type\tavg_create\tdelete_n\tdelete_median\tavg_delete\n"
        "AWS::RDS::DBInstance\t595\t1\t1.4\t255\nAWS::EKS::Cluster\t544\t1\t170\t177\n"
    )
    seconds = parse_table(table)
    assert seconds["AWS::RDS::DBInstance", "DELETE"] == 255.0
    assert seconds["AWS::EKS::Cluster", "DELETE"] == pytest.approx(173.5, abs=1)


def test_a_first_fargate_stack_is_told_minutes_not_half_an_hour() -> None:
    past = DeploymentHistory(prior=parse_table(TABLE), prior_samples=parse_samples(TABLE))
    balancer = "AWS::ElasticLoadBalancingV2"
    kinds = {
        "Vpc": "AWS::EC2::VPC",
        "Subnet": "AWS::EC2::Subnet",
        "Group": "AWS::EC2::SecurityGroup",
        "Balancer": f"{balancer}::LoadBalancer",
        "Target": f"{balancer}::TargetGroup",
        "Listener": f"{balancer}::Listener",
        "Cluster": "AWS::ECS::Cluster",
        "Role": "AWS::IAM::Role",
        "Task": "AWS::ECS::TaskDefinition",
        "Service": "AWS::ECS::Service",
    }
    changes = tuple(Planned(name, kind, "CREATE") for name, kind in kinds.items())
    found = before(PlannedChanges("eu-west-1/web", "create", changes), past)
    assert 200 < found.mid_seconds < 550
    assert found.low_seconds < 330, "such a stack was recorded with 221 s for its service"
