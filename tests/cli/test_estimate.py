"""How long it would take, asked from a shell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from deploy_action.cloudformation.change_set import Change
from deploy_action.cloudformation.template_diff import changes_between
from tests.fakes.cloudformation.harness import client
from tests.jobs.test_foresight import CHAIN, past_without_us
from tests.jobs.test_template import QUEUE, lasting

if TYPE_CHECKING:
    from tests.cli.desk import Desk
    from tests.jobs.stage import Stage


@pytest.fixture(autouse=True)
def same_time(desk: Desk, stage: Stage) -> None:
    desk.clock = stage.clock


def machine(desk: Desk, *words: str) -> dict[str, Any]:
    code, out = desk.run("estimate", *words, "--json")
    assert code == 0, out
    return dict(json.JSONDecoder().raw_decode(out[out.index("{") :])[0])


def test_a_stack_that_is_not_there_and_nothing_else_given(desk: Desk) -> None:
    code, told = desk.run("estimate", "shop")
    assert code == 1
    assert "Nothing is known of eu-west-1/shop, and there is no such stack. Give --template or" in told


def test_a_stack_that_was_only_created_has_no_update_to_go_by(desk: Desk, stage: Stage) -> None:
    stage.job(template=stage.template(QUEUE)).deploy()
    code, told = desk.run("estimate", "shop")
    assert code == 1
    assert "No update of eu-west-1/shop has ended well so far. Give --template or --change-set." in told


def test_a_new_stack_from_its_template(desk: Desk, stage: Stage) -> None:
    path = stage.root / stage.template(CHAIN)
    found = machine(desk, "shop", "--template", str(path))
    assert (found["basis"], found["deployments"], found["resources"]) == ("typical durations", 0, 4)
    single = stage.root / stage.template(CHAIN[: CHAIN.index("  Queue1:")], "one.yaml")
    assert found["mid_seconds"] > 3 * machine(desk, "shop", "--template", str(single))["mid_seconds"]


def test_what_is_usual_from_events_and_from_the_history(desk: Desk, stage: Stage) -> None:
    past_without_us(stage)
    code, told = desk.run("estimate", "shop")
    assert code == 0
    assert "(5 operations)" in told
    assert "a deployment. Expected to take about 1m" in told
    assert "4 deployments)" in told
    assert desk.store.read().document is None, "nothing is written"
    desk.run("collect", "shop")
    code, told = desk.run("estimate", "shop")
    assert "Learned from" not in told
    assert "4 deployments)" in told


def test_a_change_set(desk: Desk, stage: Stage) -> None:
    past_without_us(stage)
    cfn = client(stage.server)
    parameters = [{"ParameterKey": "Name", "ParameterValue": "next"}]
    cfn.create_change_set(
        StackName="shop", ChangeSetName="mine", TemplateBody=lasting(60), Parameters=parameters
    )
    stage.clock.sleep(30)
    cfn.close()
    found = machine(desk, "shop", "--change-set", "mine")
    assert (found["basis"], found["deployments"]) == ("deployments of the same resources", 4)
    code, told = desk.run("estimate", "shop", "--change-set", "other")
    assert code == 64
    assert "--change-set:" in told


def test_a_template_against_the_stack_as_it_is(desk: Desk, stage: Stage) -> None:
    cfn = client(stage.server)
    cfn.create_stack(StackName="shop", TemplateBody=QUEUE)
    stage.clock.sleep(600)
    cfn.close()
    same = stage.root / stage.template(QUEUE)
    _, told = desk.run("estimate", "shop", "--template", str(same))
    assert "Nothing in eu-west-1/shop would change." in told
    more = QUEUE.replace("Outputs:", "  Db: {Type: AWS::RDS::DBInstance}\nOutputs:")
    path = stage.root / stage.template(more, "more.yaml")
    found = machine(desk, "shop", "--template", str(path))
    assert found["resources"] == 1
    assert found["mid_seconds"] > 120


def test_how_good_earlier_estimates_were_is_told(desk: Desk, stage: Stage) -> None:
    stage.job("first", template=stage.template(QUEUE)).deploy()
    path = stage.root / stage.template(CHAIN)
    assert machine(desk, "shop", "--template", str(path))["earlier_estimates"] == {
        "count": 1,
        "held": 1,
        "median_error": pytest.approx(0.1, abs=0.2),
    }


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("sh*",), "is not one stack"),
        (("shop", "--template", "no-such-file"), "no-such-file"),
        (("1shop",), "not a stack name"),
    ],
)
def test_wrong_words(desk: Desk, words: tuple[str, ...], told: str) -> None:
    code, out = desk.run("estimate", *words)
    assert code == 64
    assert told in out


def test_a_file_that_is_no_template(desk: Desk, stage: Stage) -> None:
    for body in ("[", "A: b", "x" * 3_000_000):
        code, out = desk.run("estimate", "shop", "--template", str(stage.root / stage.template(body)))
        assert code == 64, out


class TestChangesBetween:
    def test_what_differs(self) -> None:
        old = {"Resources": {"A": {"Type": "T"}, "B": {"Type": "T"}, "C": {"Type": "T"}, "D": {"Type": "T"}}}
        new = {
            "Resources": {
                "A": {"Type": "T", "Metadata": {"hash": "1"}},
                "B": {"Type": "T", "Properties": {"x": "1"}},
                "D": {"Type": "U"},
                "E": {"Type": "T"},
            }
        }
        assert changes_between(old, new) == (
            Change("Modify", "B", "T"),
            Change("Modify", "D", "U", replacement="True"),
            Change("Add", "E", "T"),
            Change("Remove", "C", "T"),
        )

    def test_what_cannot_be_compared(self) -> None:
        good: dict[str, object] = {"Resources": {"A": {"Type": "T"}}}
        assert changes_between(good, {**good, "Transform": "X"}) is None
        assert changes_between({**good, "Transform": "X"}, good) is None
        assert changes_between(None, good) is None
