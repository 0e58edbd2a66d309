"""The summary of a real job: what was learned from earlier ones stands in it, and is never in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.jobs.test_template import BROKEN, QUEUE

if TYPE_CHECKING:
    import pytest

    from tests.jobs.stage import Job, Stage


def deploy(stage: Stage, name: str, template: str = QUEUE, **inputs: str) -> Job:
    job = stage.job(name, template=stage.template(template), **inputs)
    job.deploy()
    return job


def test_a_later_deployment_is_told_beside_those_before_it(stage: Stage) -> None:
    first = deploy(stage, "create").summary
    assert "What changed since" not in first
    assert "Usually" not in first.partition("<details>")[0]
    for number in range(3):
        deploy(stage, f"update{number}", parameter_overrides=f"Name=n{number}")
    page = deploy(stage, "last", parameter_overrides="Name=last").summary
    assert "; expected " in page
    assert " deployments of the same resources): **as expected**." in page
    assert "estimates before" not in page, "fewer than ten say nothing"
    assert "| Resource | Type | Action | Took | Usually | Last time |" in page
    assert "(usually " in page
    assert "- The same resources were touched" in page
    failed = deploy(stage, "bad", BROKEN).page
    assert failed.startswith("## ❌")
    assert "### What changed since the last good deployment" in failed


def test_a_damaged_history_costs_the_comparison_only(stage: Stage) -> None:
    deploy(stage, "create")
    (stage.root / "registry" / "deployment-history.json").write_text("{", "utf-8")
    page = deploy(stage, "next", parameter_overrides="Name=two").page
    assert page.startswith("## ✅ Deployed")
    assert "What changed since" not in page
    assert "The deployment history cannot be used" in page


def test_a_defect_in_the_comparison_is_told_and_costs_nothing_else(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise AttributeError("no such thing")

    monkeypatch.setattr("deploy_action.deploy.deployment_result.compared", broken)
    job = deploy(stage, "job")
    assert job.outputs()["outcome"] == "succeeded"
    assert "The comparison with earlier ones failed by a defect" in job.summary
    assert "```mermaid" in job.summary


def test_who_was_ahead_is_linked_and_one_use_writes_one_summary(stage: Stage) -> None:
    first = stage.job("first", template=stage.template(QUEUE))
    assert first.run("pre") == 0
    second = stage.job("second", template=stage.template(QUEUE))
    stage.clock.at(stage.clock.elapsed + 40, lambda: _finish(first))
    assert second.run("pre") == 0
    head = first.outputs()["correlation-id"]
    assert second.summary == "", "GitHub shows twenty a job: one a use, with one range"
    second.run("main")
    second.run("post")
    assert f", behind [`{head}`](https://github.com/" in second.summary
    assert second.summary.startswith("## ✅")


def _finish(job: Job) -> None:
    job.run("main")
    job.run("post")
