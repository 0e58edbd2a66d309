"""What a deployment is expected to take: learned from those before it, told, scored, and never in the way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.jobs.test_supervision import at, die, killed
from tests.jobs.test_template import BROKEN, QUEUE, lasting

if TYPE_CHECKING:
    from tests.jobs.stage import Stage


def history(stage: Stage) -> list[dict[str, Any]]:
    text = (stage.root / "registry" / "deployment-history.json").read_text("utf-8")
    return list(json.loads(text)["deployments"])


def deploy(stage: Stage, name: str, template: str = QUEUE, **inputs: str) -> tuple[dict[str, str], str]:
    job = stage.job(name, template=stage.template(template), **inputs)
    job.deploy()
    return job.outputs(), job.log


def test_the_first_deployment_rests_on_published_averages(stage: Stage) -> None:
    outputs, log = deploy(stage, "first")
    assert float(outputs["estimate-low-seconds"]) <= float(outputs["estimate-seconds"])
    assert float(outputs["estimate-seconds"]) <= float(outputs["estimate-high-seconds"])
    assert "Expected to take about " in log


def test_later_ones_learn_from_the_same_set(stage: Stage) -> None:
    deploy(stage, "create")
    for number in range(4):
        deploy(stage, f"update{number}", parameter_overrides=f"Name=n{number}")
    outputs, log = deploy(stage, "last", parameter_overrides="Name=last")
    assert "deployments)." in log
    actual = history(stage)[-1]["duration_seconds"]
    assert float(outputs["estimate-low-seconds"]) <= actual <= float(outputs["estimate-high-seconds"]) + 1
    assert history(stage)[-1]["estimate"]["held"] is True


def test_a_failed_one_is_kept_apart(stage: Stage) -> None:
    deploy(stage, "create")
    deploy(stage, "bad", BROKEN)
    kept = history(stage)
    assert [record["outcome"] for record in kept] == ["succeeded", "rolled-back"]
    assert all(record["runs"] for record in kept)


def test_a_damaged_history_is_told_left_alone_and_not_in_the_way(stage: Stage) -> None:
    deploy(stage, "create")
    path = stage.root / "registry" / "deployment-history.json"
    path.write_text("{", "utf-8")
    outputs, log = deploy(stage, "next", parameter_overrides="Name=two")
    assert outputs["outcome"] == "succeeded"
    assert outputs["estimate-seconds"]
    assert "Estimates rest on typical durations." in log
    assert path.read_text("utf-8") == "{"


def test_a_deployment_past_its_interval_is_told_once(stage: Stage) -> None:
    _, log = deploy(stage, "slow", lasting(3000))
    assert log.count("it was expected to take") == 1, log


def test_a_stalled_resource_is_alerted_once_and_once_when_it_ends(stage: Stage) -> None:
    outputs, log = deploy(stage, "slow", lasting(1500))
    assert outputs["outcome"] == "succeeded"
    told = [line for line in log.splitlines() if "Queue" in line]
    assert len([line for line in told if "and is silent" in line and "::warning" in line]) == 1, log
    assert len([line for line in told if "has ended after" in line]) == 1, log


def test_a_restarted_watch_repeats_no_alert(stage: Stage) -> None:
    job = stage.job(template=stage.template(lasting(1500)))
    job.run("pre")
    at(stage, 1100, die)
    killed(job)
    assert job.run("main") == 0, job.log
    assert job.log.count("and is silent") == 1, job.log
    assert job.log.count("it was expected to take") == 1


def test_a_table_that_cannot_be_read_costs_the_estimate_only(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_name: str) -> str:
        raise FileNotFoundError("resource-durations.tsv")

    monkeypatch.setattr("deploy_action.job.history.read_table", gone)
    outputs, log = deploy(stage, "job")
    assert (outputs["outcome"], outputs["estimate-seconds"]) == ("succeeded", "")
    assert "The estimate failed" in log


def test_progress_is_counted_where_a_change_set_only_adds(stage: Stage) -> None:
    _, log = deploy(stage, "create")
    assert "[1/1]" in log
    _, log = deploy(stage, "update", parameter_overrides="Name=two")
    assert "[1/1]" not in log


@pytest.mark.parametrize(
    "defect",
    [
        "deploy_action.estimation.history_forecast.LearnedForecast._estimate",
        "deploy_action.estimation.history_forecast.LearnedForecast._known",
        "deploy_action.monitoring.watch_loop.look",
        "deploy_action.monitoring.watch_loop.early_warnings",
        "deploy_action.monitoring.event_stream.pause_seconds",
    ],
)
def test_a_defect_in_what_a_watch_can_do_without_is_told_and_ends_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, defect: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise AttributeError("no such thing")

    monkeypatch.setattr(defect, broken)
    outputs, log = deploy(stage, "job")
    assert outputs["outcome"] == "succeeded", log
    told = [line for line in log.splitlines() if "by a defect of deploy-coordinator" in line]
    assert len(told) == len({line.partition(" failed by")[0] for line in told}) <= 2
