"""action.yml and the code agree on every input, default and output."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy_action.inputs.names import NAMES, NAMES_OF_STEP
from deploy_action.inputs.settings import Settings, _Parser, parse_inputs
from deploy_action.inputs.table import TABLE, _input
from deploy_action.reporting.outputs import outputs_of
from deploy_action.reporting.report import Report
from deploy_action.steps.ask import UNKNOWN

ROOT = Path(__file__).parents[1]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
HALVES: dict[str, Any] = {
    half: yaml.safe_load((ROOT / half / "action.yml").read_text("utf-8")) for half in ("lock", "release")
}
INPUTS: dict[str, dict[str, Any]] = ACTION["inputs"]
OUTPUTS: dict[str, dict[str, Any]] = ACTION["outputs"]
STEPS: dict[str, dict[str, Any]] = {step["id"]: step for step in ACTION["runs"]["steps"]}

FOR_THE_LAUNCHER = {"image", "runtime", "registry"}
BETWEEN_STEPS = {"state", "proceed", "outcome"}
REQUIRED = {"stack-name": "shop", "github-token": "ghs_x"}


class Recording(Mapping[str, str]):
    """Texts by name that remember which names were asked for."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._texts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def settings_of(inputs: Mapping[str, str]) -> Settings:
    return parse_inputs({"DEPLOY_COORDINATOR_INPUTS": json.dumps(inputs), "AWS_REGION": "eu-west-1"})


def defaults() -> dict[str, str]:
    """What `toJSON(inputs)` is where nothing but the required inputs is given."""
    return {**{name: str(it.get("default", "")) for name, it in INPUTS.items()}, **REQUIRED}


def test_the_code_reads_exactly_the_inputs_that_the_action_has() -> None:
    asked = set(FOR_THE_LAUNCHER)
    for way in ({"template": "https://bucket/t.yaml"}, {"command": "make deploy"}, {"mode": "watch"}):
        raw = Recording({**REQUIRED, **way})
        _Parser(raw, {"AWS_REGION": "eu-west-1"}, "pre").settings()
        asked |= raw.asked
    assert asked == set(INPUTS) | {"hold", "when-superseded"}


@pytest.mark.parametrize(
    ("half", "own"),
    [
        (
            "lock",
            {"hold", "when-superseded", "job-id", "job-matrix", "job-workflow-ref", "job-status"},
        ),
        ("release", set()),
    ],
)
def test_the_halves_of_a_lock_take_inputs_of_the_whole(half: str, own: set[str]) -> None:
    inputs = HALVES[half]["inputs"]
    assert set(inputs) - set(INPUTS) == own
    for name in set(inputs) - own:
        assert inputs[name].get("default") == INPUTS[name].get("default", ""), name


def test_the_files_have_the_inputs_of_the_table_and_no_others() -> None:
    assert set(INPUTS) == NAMES
    assert {half: set(it["inputs"]) for half, it in HALVES.items()} == NAMES_OF_STEP


def test_every_key_of_the_table_means_something() -> None:
    with pytest.raises(TypeError, match="defualt"):
        _input({"name": "x", "defualt": "y"})


def test_every_input_says_for_which_ways_it_is_in_words_that_exist() -> None:
    assert {way for one in TABLE.values() for way in one.ways} <= {
        "template",
        "command",
        "plan",
        "apply",
        "watch",
    }
    for one in TABLE.values():
        assert one.description or one.lock_description or one.release_description, one.name


def test_every_input_and_output_is_described() -> None:
    for name, it in {**INPUTS, **OUTPUTS}.items():
        assert str(it.get("description", "")).strip().endswith((".", "?")), name
    for text in (ACTION["name"], ACTION["description"], ACTION["author"]):
        assert text


def test_only_the_stack_name_is_required_and_all_others_have_a_default() -> None:
    assert {name for name, it in INPUTS.items() if it.get("required")} == {"stack-name"}
    assert {name for name, it in INPUTS.items() if "default" not in it} == {"stack-name"}


def test_the_defaults_are_what_the_code_assumes_of_inputs_that_are_not_given() -> None:
    assert settings_of(defaults()) == settings_of(REQUIRED)


def test_an_input_that_is_given_as_empty_is_as_if_it_were_not_given() -> None:
    assert settings_of({**dict.fromkeys(INPUTS, ""), **REQUIRED}) == settings_of(REQUIRED)


def test_the_token_comes_from_the_job() -> None:
    assert INPUTS["github-token"]["default"] == "${{ github.token }}"


def test_the_steps_write_exactly_the_outputs_that_the_action_maps() -> None:
    of_modes = {*UNKNOWN, "command-outputs"}
    assert set(outputs_of(Report("id"))) | of_modes == set(OUTPUTS)


def test_each_output_is_mapped_to_the_output_of_the_same_name() -> None:
    for name, it in OUTPUTS.items():
        found = re.findall(r"steps\.(\w+)\.outputs\.([\w-]+)", it["value"])
        assert found, name
        assert {step for step, _ in found} <= set(STEPS), name
        assert {output for _, output in found} == {name}


def test_the_outcome_is_never_empty() -> None:
    assert OUTPUTS["outcome"]["value"].rstrip(" }").endswith("|| 'unknown'")


def test_the_steps_hand_on_only_what_is_known_between_them() -> None:
    text = json.dumps(ACTION["runs"])
    assert set(re.findall(r"steps\.\w+\.outputs\.([\w-]+)", text)) == BETWEEN_STEPS


def test_all_steps_are_given_the_same_base() -> None:
    pre, main, post = (STEPS[name]["env"] for name in ("pre", "main", "post"))
    assert pre == {name: main[name] for name in pre} == {name: post[name] for name in pre}
    assert pre["DEPLOY_COORDINATOR_INPUTS"] == "${{ toJSON(inputs) }}"
    assert set(main) - set(pre) == {"DEPLOY_COORDINATOR_STATE"}
    assert main["DEPLOY_COORDINATOR_STATE"] == post["DEPLOY_COORDINATOR_STATE"]


@pytest.mark.parametrize("name", ["pre", "main", "post"])
def test_each_step_replaces_its_shell_by_the_launcher_so_that_signals_reach_it(name: str) -> None:
    step = STEPS[name]
    assert step["shell"] == "bash"
    assert step["run"] == f'exec bash "$GITHUB_ACTION_PATH/launcher/launch" {name}'
    assert "${{" not in step["run"]


def test_the_steps_run_in_order_and_post_runs_whatever_happened() -> None:
    assert list(STEPS) == ["pre", "main", "post"]
    assert "if" not in STEPS["pre"]
    assert STEPS["main"]["if"] == "steps.pre.outputs.proceed == 'true'"
    assert STEPS["post"]["if"] == "always()"
    assert not any("continue-on-error" in step for step in STEPS.values())


def test_the_action_has_a_face_in_the_marketplace() -> None:
    assert ACTION["runs"]["using"] == "composite"
    assert set(ACTION["branding"]) == {"icon", "color"}
