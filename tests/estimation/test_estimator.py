"""How long a deployment will take, told before it begins."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy_action.cloudformation.change_set import Change
from deploy_action.cloudformation.stacks import STACK_TYPE
from deploy_action.cloudformation.template_graph import Template
from deploy_action.estimation.accuracy import accuracy_of, bias, widened, width
from deploy_action.estimation.critical_path import structure, totals
from deploy_action.estimation.estimator import ALL, HERE, PARTLY, SAME, around, before
from deploy_action.estimation.estimator import PRIOR as AVERAGES
from deploy_action.estimation.planned_changes import (
    Planned,
    PlannedChanges,
    plan_of,
    plan_of_template,
    planned_of,
)
from deploy_action.estimation.published_durations import parse_table
from deploy_action.history.deployments import DeploymentHistory
from deploy_action.history.duration_distribution import fitted, spread
from deploy_action.history.estimate import Estimate
from deploy_action.history.operations import ResourceTiming, fingerprint, stable_name
from deploy_action.history.resource_order import Order
from tests.history.past_story import FUNCTION, STACK, TABLE, past, plan, run

SECONDS = st.floats(0.1, 50_000)


class TestBefore:
    def test_the_same_resources_come_first(self) -> None:
        found = before(plan("A"), past([run(15, "A"), run(40, "B"), run(16, "A"), run(60, "A", "B")]))
        assert (found.mid_seconds, found.basis, found.samples) == (15.5, SAME, 2)
        assert 13 < found.low_seconds < 15
        assert 16 < found.high_seconds < 18

    def test_a_change_set_that_said_the_same_counts_whatever_was_touched_in_the_end(self) -> None:
        said = replace(run(15, "A"), planned=plan("A", "B").touched)
        assert before(plan("A", "B"), past([said])).basis == SAME

    def test_failed_deployments_teach_nothing(self) -> None:
        failed = [run(900, "A", outcome="rolled-back", rollback=800), run(700, "A", outcome="failed")]
        found = before(plan("A"), past([*failed, run(15, "A"), *failed]))
        assert (found.mid_seconds, found.samples) == (15, 1)
        assert before(plan("A"), past(failed)).mid_seconds == before(plan("A"), past([])).mid_seconds

    def test_only_the_same_stack_and_operation_teach_the_whole(self) -> None:
        elsewhere = replace(run(500, "A"), stack="eu-west-1/other")
        creation = replace(run(500, "A"), kind="create")
        assert before(plan("A"), past([elsewhere, creation])).basis != SAME

    def test_another_set_is_estimated_by_what_its_resources_took(self) -> None:
        found = before(plan("A", "B"), past([run(15, "A"), run(45, "B"), run(16, "A"), run(44, "B")]))
        assert found.basis == HERE
        assert 40 < found.mid_seconds < 50

    def test_what_was_seen_to_wait_adds_up(self) -> None:
        steps = (
            ResourceTiming("A", FUNCTION, "UPDATE", 3, 20),
            ResourceTiming("B", FUNCTION, "UPDATE", 23.5, 20),
        )
        both = replace(run(50, "A", "B", "C"), steps=(*steps, ResourceTiming("C", FUNCTION, "UPDATE", 3, 5)))
        assert 44 < before(plan("A", "B"), past([both])).mid_seconds < 54

    def test_a_new_stack_rests_on_published_averages(self) -> None:
        found = before(plan("A"), past([]))
        assert (found.basis, found.samples) == (AVERAGES, 0)
        assert 11 < found.mid_seconds < 17
        assert found.high_seconds > 1.5 * found.mid_seconds

    def test_a_resource_that_is_new_is_told(self) -> None:
        changes = (*(plan("A").changes or ()), Planned("T", TABLE, "CREATE"))
        assert before(PlannedChanges(STACK, "update", changes), past([run(15, "A")])).basis == PARTLY

    def test_the_template_says_what_waits_for_what(self) -> None:
        apart = plan("A", "B")
        chained = replace(apart, graph={"A": frozenset(), "B": frozenset({"A"})})
        nothing = past([])
        assert before(chained, nothing).mid_seconds > before(apart, nothing).mid_seconds + 5

    def test_a_replacement_also_deletes(self) -> None:
        kept = PlannedChanges(STACK, "update", (Planned("T", TABLE, "CREATE"),))
        replaced = PlannedChanges(STACK, "update", (Planned("T", TABLE, "UPDATE", replacement=True),))
        assert before(replaced, past([])).mid_seconds > before(kept, past([])).mid_seconds + 8

    def test_without_a_change_set_all_deployments_of_the_stack_count(self) -> None:
        found = before(PlannedChanges(STACK, "update"), past([run(15, "A"), run(40, "B"), run(16, "A")]))
        assert (found.mid_seconds, found.basis) == (16, ALL)
        assert found.low_seconds < 12
        assert before(PlannedChanges(STACK, "update"), DeploymentHistory()).basis == AVERAGES

    def test_many_samples_give_an_interval_by_rank(self) -> None:
        found = around([float(seconds) for seconds in range(100, 110)], SAME)
        assert found.low_seconds == pytest.approx(99)
        assert found.high_seconds == pytest.approx(110, abs=0.2)

    @pytest.mark.parametrize("count", range(1, 45))
    def test_any_number_of_samples_gives_an_interval(self, count: int) -> None:
        found = around([float(seconds) for seconds in range(1, count + 1)], SAME)
        assert found.low_seconds <= found.mid_seconds <= found.high_seconds

    def test_one_outlier_does_not_move_the_middle(self) -> None:
        assert around([15, 229, 15, 16, 15], SAME).mid_seconds == 15

    def test_one_outlier_does_not_own_the_next_estimate(self) -> None:
        found = before(plan("A"), past([run(908, "A")]))
        assert found.low_seconds < 30
        assert found.mid_seconds < 300
        assert found.high_seconds > 900
        again = before(plan("A"), past([run(908, "A"), run(15, "A"), run(15, "A")]))
        assert again.mid_seconds < 20

    def test_one_run_gives_an_interval_that_is_honestly_wide(self) -> None:
        found = before(plan("A"), past([run(15, "A")]))
        assert found.high_seconds / found.low_seconds > 1.3

    def test_the_clean_up_of_nested_updates_is_expected(self) -> None:
        nested = PlannedChanges(STACK, "update", (Planned("N", STACK_TYPE, "UPDATE"),))
        bare = replace(nested, kind="create")
        extra = before(nested, past([])).mid_seconds - before(bare, past([])).mid_seconds
        assert 8 < extra < 15
        seen = replace(
            run(9, "A"),
            cleanup_seconds=1.6,
            steps=(ResourceTiming("N", STACK_TYPE, "UPDATE", 2.5, 5.0),),
        )
        known = before(nested, past([seen]))
        assert known.mid_seconds < before(nested, past([])).mid_seconds - 6

    def test_order_is_learned_of_pairs(self) -> None:
        first = ResourceTiming("A", FUNCTION, "UPDATE", 2.0, 8.0)
        after = ResourceTiming("B", FUNCTION, "UPDATE", 10.5, 3.0)
        later = ResourceTiming("C", FUNCTION, "UPDATE", 30.0, 3.0)
        order = Order.of([replace(run(40, "A"), steps=(first, after, later))])
        assert order.waits_for("B", {"A", "C"}) == ["A"]
        assert order.waits_for("C", {"A", "B"}) == [], "that C began long after is no sign that it waited"
        assert order.waits_for("A", {"B", "C"}) == []
        together = replace(run(40, "A"), steps=(first, replace(after, start=2.0)))
        assert Order.of([replace(run(40, "A"), steps=(first, after)), together]).waits_for("B", {"A"}) == []

    def test_an_order_goes_on_through_what_is_not_touched(self) -> None:
        chain = tuple(
            ResourceTiming(name, FUNCTION, "UPDATE", 2.0 + 9 * n, 8.5) for n, name in enumerate("ABC")
        )
        order = Order.of([replace(run(40, "A"), steps=chain)])
        assert order.waits_for("C", {"A"}) == ["A"]


class TestAccuracy:
    HIT = Estimate(14, 15, 16, SAME)
    MISS = Estimate(5, 6, 7, SAME)

    def test_it_is_told_from_good_deployments(self) -> None:
        runs = [run(15, "A"), run(15, "A"), run(900, "A", outcome="rolled-back")]
        found = accuracy_of(past(runs, estimates=[self.HIT, self.MISS, self.MISS]).deployments)
        assert found is not None
        assert (found.count, found.inside, found.coverage) == (2, 1, 0.5)
        assert found.median_error == pytest.approx(0.3)
        assert accuracy_of(past([run(15, "A")]).deployments) is None

    def test_misses_widen_and_hits_narrow_in_balance(self) -> None:
        def after(*estimates: Estimate) -> float:
            runs = [run(15, "A")] * len(estimates)
            return width(past(runs, estimates=estimates).deployments, SAME)

        assert after() == 1
        assert after(self.MISS) > 1 > after(self.HIT)
        assert after(self.HIT, self.HIT, self.MISS) == after(self.MISS), "what hits narrowed is undone"
        assert after(self.MISS, self.MISS) > after(self.MISS) ** 2
        assert after(self.MISS, *[self.HIT] * 4) == pytest.approx(1)
        assert 0.5 < after(*[self.HIT] * 50) < 1 < after(*[self.MISS] * 50) <= 4.01
        assert width(past([run(15, "A")], estimates=[self.MISS]).deployments, HERE) == 1

    def test_the_next_interval_has_learned(self) -> None:
        runs = [run(15, "A"), run(15, "A"), run(15, "A")]
        calm = before(plan("A"), past(runs))
        burnt = before(plan("A"), past(runs, estimates=[self.MISS] * 3))
        assert burnt.high_seconds > calm.high_seconds
        assert burnt.mid_seconds == calm.mid_seconds

    def test_a_bias_is_corrected_within_a_few_deployments(self) -> None:
        late = [Estimate(8, 10, 12, HERE), Estimate(9, 11, 13, HERE), Estimate(9, 11, 13, HERE)]
        runs = [run(15, "A")] * 3
        deployments = past(runs, estimates=late).deployments
        assert 1.1 < bias(deployments, HERE) < 1.5
        assert bias(deployments, SAME) == 1
        assert bias(past(runs[:1], estimates=late[:1]).deployments, HERE) == 1
        odd = [Estimate(14, 15, 16, HERE)] * 4
        one_odd = [run(15, "A"), run(900, "A"), run(15, "A"), run(15, "A")]
        assert bias(past(one_odd, estimates=odd).deployments, HERE) < 1.12


class TestNames:
    def test_hashes_of_contents_are_no_part_of_a_name(self) -> None:
        assert stable_name("ApiDeployment34ef3df2e3", "AWS::ApiGateway::Deployment") == "ApiDeployment"
        assert stable_name("VpcSubnet9BF3352D", "AWS::EC2::Subnet") == "VpcSubnet9BF3352D"

    def test_a_fingerprint_is_of_the_set(self) -> None:
        assert fingerprint([("UPDATE", "A"), ("CREATE", "B")]) == fingerprint(
            [("CREATE", "B"), ("UPDATE", "A"), ("UPDATE", "A")]
        )
        assert fingerprint([("UPDATE", "A")]) != fingerprint([("DELETE", "A")])
        assert fingerprint([]) == ""

    def test_a_change_set_is_read_as_actions(self) -> None:
        changes = (
            Change("Add", "A", TABLE),
            Change("Modify", "B", FUNCTION, replacement="Conditional"),
            Change("Remove", "C", FUNCTION),
            Change("Whatever", "D", FUNCTION),
        )
        found = planned_of(changes)
        assert [one.action for one in found] == ["CREATE", "UPDATE", "DELETE", "UPDATE"]
        assert [one.replacement for one in found] == [False, True, False, False]

    def test_what_is_not_changed_is_passed_through(self) -> None:
        deployment = "ApiDeployment34ef3df2e3"
        graph = {"Stage": [deployment], deployment: ["Api"], "Api": ["Role"], "Role": ["Api"], "Lost": []}
        changes = (
            Change("Modify", "Stage", "AWS::ApiGateway::Stage"),
            Change("Add", deployment, "AWS::ApiGateway::Deployment"),
            Change("Modify", "Role", "AWS::IAM::Role"),
            Change("Remove", "Gone", TABLE),
        )
        template = Template({"Api": "AWS::ApiGateway::RestApi"}, {k: frozenset(v) for k, v in graph.items()})
        found = plan_of(changes, stack=STACK, kind="update", template=template).graph
        assert found == {
            "Stage": frozenset({"ApiDeployment"}),
            "ApiDeployment": frozenset({"Role"}),
            "Role": frozenset(),
        }

    def test_without_a_change_set_the_template_tells_of_all_its_resources(self) -> None:
        deployment = "ApiDeployment34ef3df2e3"
        template = Template(
            {deployment: "AWS::ApiGateway::Deployment", "Api": "AWS::ApiGateway::RestApi"},
            {deployment: frozenset({"Api"}), "Api": frozenset()},
        )
        found = plan_of(None, stack=STACK, kind="update", template=template)
        assert found.changes is None
        assert found.graph == {"ApiDeployment": frozenset({"Api"}), "Api": frozenset()}
        whole = plan_of_template(template, stack=STACK)
        assert (whole.kind, whole.count) == ("create", 2)
        assert whole.graph == found.graph

    def test_a_chain_of_many_stays_one(self) -> None:
        names = [f"R{number}" for number in range(600)]
        graph = {name: frozenset(names[max(0, index - 1) : index]) for index, name in enumerate(names)}
        changes = tuple(
            Planned(name, FUNCTION if index % 2 else "AWS::Some::Thing", "UPDATE")
            for index, name in enumerate(names)
        )
        assert before(PlannedChanges(STACK, "update", changes, graph), past([])).mid_seconds > 250 * 8

    def test_what_ended_long_ago_is_passed_through_as_well(self) -> None:
        graph = {"Stage": frozenset({"Mid"}), "Mid": frozenset({"Api"}), "Api": frozenset({"Stage"})}
        waits = structure([("Stage", "T"), ("Api", "T")], order=Order(), graph=graph)
        assert waits == {"Stage": ["Api"], "Api": ["Stage"]}


class TestSpread:
    @given(SECONDS, st.floats(1.0, 30.0), st.floats(0, 1e7), st.floats(0.001, 0.999))
    def test_what_still_runs_ends_later_than_now(
        self, mid: float, factor: float, after: float, share: float
    ) -> None:
        found = spread(mid, factor).quantile(share, after=after)
        assert math.isfinite(found)
        assert found >= after

    @given(SECONDS, st.floats(1.05, 10.0), st.floats(0, 1e5))
    def test_shares_are_in_order(self, mid: float, factor: float, after: float) -> None:
        one = spread(mid, factor)
        shares = [one.quantile(share, after=after) for share in (0.1, 0.5, 0.9, 0.99)]
        assert shares == sorted(shares)

    def test_the_80_percent_lie_between_low_and_high(self) -> None:
        one = spread(10, 2)
        assert one.quantile(0.1) == pytest.approx(one.low)
        assert one.quantile(0.5) == pytest.approx(one.mid)
        assert one.quantile(0.9) == pytest.approx(one.high)

    def test_what_is_long_overdue_is_expected_to_go_on(self) -> None:
        assert spread(10, 1.1).quantile(0.5, after=60) > 75

    @given(st.lists(SECONDS, min_size=1, max_size=30))
    def test_samples_always_fit(self, samples: list[float]) -> None:
        found = fitted(samples, factor=1.2, weight=3)
        assert 0 < found.low < found.mid < found.high

    def test_agreement_narrows(self) -> None:
        assert fitted([10.0] * 12, factor=1.5, weight=3).factor < fitted([10.0], factor=1.5, weight=3).factor


class TestPaths:
    @settings(max_examples=50, deadline=None)
    @given(st.dictionaries(st.sampled_from("ABCDEFG"), st.lists(st.sampled_from("ABCDEFG"), max_size=4)))
    def test_circles_end(self, waits: dict[str, list[str]]) -> None:
        from deploy_action.estimation.critical_path import Task

        drawn = totals([Task(label, FUNCTION, spread(10, 1.2)) for label in waits], waits)
        assert all(math.isfinite(seconds) and seconds >= 0 for seconds in drawn)

    def test_deletions_run_the_other_way_round(self) -> None:
        tasks = [("Role", "AWS::IAM::Role"), ("Handler", FUNCTION)]
        assert structure(tasks, order=Order())["Handler"] == ["Role"]
        assert structure(tasks, order=Order(), reverse=True)["Role"] == ["Handler"]

    def test_what_was_seen_together_is_not_ordered_by_type(self) -> None:
        order = Order.of(
            [
                replace(
                    run(20, "A"),
                    steps=(
                        ResourceTiming("Role", "AWS::IAM::Role", "UPDATE", 3, 10),
                        ResourceTiming("Handler", FUNCTION, "UPDATE", 3, 10),
                    ),
                )
            ]
        )
        assert structure([("Role", "AWS::IAM::Role"), ("Handler", FUNCTION)], order=order)["Handler"] == []

    def test_the_insides_of_a_nested_stack_wait_for_what_it_waits_for(self) -> None:
        tasks = [("Net", "AWS::CloudFormation::Stack"), ("Db", "AWS::CloudFormation::Stack"), ("Db/T", TABLE)]
        graph = {"Db": frozenset({"Net"})}
        assert "Net" in structure(tasks, order=Order(), graph=graph)["Db/T"]


NAMES = st.lists(st.sampled_from(["A", "B", "C", "T"]), min_size=1, max_size=4, unique=True)
RUNS = st.lists(
    st.builds(
        lambda seconds, names, outcome: run(seconds, *names, outcome=outcome),
        st.floats(5.5, 5000),
        NAMES,
        st.sampled_from(["succeeded", "rolled-back", "failed"]),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(
    RUNS,
    NAMES,
    st.sampled_from(["create", "update", "delete"]),
    st.sampled_from(["CREATE", "UPDATE", "DELETE"]),
)
def test_an_interval_contains_its_middle_whatever_was_before(
    runs: list[object], names: list[str], kind: str, action: str
) -> None:
    found = before(plan(*names, kind=kind, action=action), past(runs))  # type: ignore[arg-type]
    assert 0 <= found.low_seconds <= found.mid_seconds <= found.high_seconds < math.inf


@given(SECONDS, SECONDS, SECONDS, st.floats(0.5, 3))
def test_widening_keeps_the_middle_inside(a: float, b: float, c: float, factor: float) -> None:
    low, mid, high = sorted((a, b, c))
    found = widened(Estimate(low, mid, high, SAME), factor)
    assert found.low_seconds <= mid * 1.0001
    assert mid <= found.high_seconds * 1.0001


def test_the_same_question_has_the_same_answer() -> None:
    assert before(plan("A", "B"), past([run(15, "A")])) == before(plan("A", "B"), past([run(15, "A")]))


def test_what_is_slow_to_make_is_slow_to_delete_where_nobody_knows_better() -> None:
    database = "AWS::RDS::DBInstance"
    prior = {(database, "CREATE"): 340.0}
    removal = PlannedChanges(STACK, "update", (Planned("R", database, "DELETE"),))
    found = before(removal, DeploymentHistory(prior=prior))
    assert 150 < found.mid_seconds < 260
    assert found.high_seconds > 340
    known = DeploymentHistory(prior={**prior, (database, "DELETE"): 400.0})
    assert before(removal, known).mid_seconds > 380


def test_a_single_deletion_that_took_nothing_is_not_believed() -> None:
    rows = (
        "type\tavg_create\tcreate_n\tcreate_median\tdelete_n\tdelete_median\n"
        "Slow\t300\t0\t\t1\t1.4\nQuick\t3\t0\t\t1\t1.4\nOften\t300\t0\t\t4\t1.4\n"
    )
    deleted = {kind: seconds for (kind, action), seconds in parse_table(rows).items() if action == "DELETE"}
    assert deleted == {"Quick": 1.4, "Often": 1.4}
