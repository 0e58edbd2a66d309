"""Workflows and examples: what runs there is pinned, may do little, and ends. zizmor looks at much more."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy_action.inputs.table import TABLE
from deploy_action.steps.ask import UNKNOWN

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))
EXAMPLES = sorted(ROOT.glob("examples/*.yml"))
OURS = re.compile(
    r"org/deploy-coordinator(/[\w-]+)?@v\d+|\./.*|\$/[\w-]+|org/deploy-coordinator/\.github/workflows/.*"
)
PINNED = re.compile(r"(?P<action>[\w./-]+)@(?P<commit>[0-9a-f]{40}) # (?P<version>v\d+\.\d+\.\d+)")


def pins(file: Path) -> list[str]:
    return [line.strip() for line in re.findall(r"uses: (.*)$", file.read_text("utf-8"), re.MULTILINE)]


@pytest.mark.parametrize("file", [*WORKFLOWS, *EXAMPLES], ids=lambda file: file.name)
def test_actions_of_others_are_pinned_by_commit_and_say_their_version(file: Path) -> None:
    assert [use for use in pins(file) if not OURS.match(use) and not PINNED.fullmatch(use)] == []


def test_an_action_has_one_pin_in_the_repository() -> None:
    found: dict[str, set[str]] = {}
    for file in (*WORKFLOWS, *EXAMPLES):
        for match in filter(None, map(PINNED.fullmatch, pins(file))):
            repository = "/".join(match["action"].split("/")[:2])
            found.setdefault(repository, set()).add(f"{match['commit']} {match['version']}")
    assert {action: commits for action, commits in found.items() if len(commits) > 1} == {}


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_ours_may_do_nothing_but_what_a_job_asks_for(file: Path) -> None:
    workflow: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    assert workflow["permissions"] == {}
    # Others call it: its group is that of the job, not that of the whole run of its caller.
    called = file.name.startswith("deploy")
    assert "concurrency" in workflow or called
    for name, job in workflow["jobs"].items():
        assert "permissions" in job, name
        assert "concurrency" in job or not called or name == "approve", name
        # How long a deployment may take is for its caller to say.
        assert "uses" in job or called or job["timeout-minutes"] <= 45, name
        assert "uses" in job or "timeout-minutes" in job, name


@pytest.mark.parametrize("file", [*WORKFLOWS, *EXAMPLES], ids=lambda file: file.name)
def test_a_checkout_leaves_no_token_behind(file: Path) -> None:
    workflow: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    steps = [step for job in workflow["jobs"].values() for step in job.get("steps", [])]
    checkouts = [step for step in steps if str(step.get("uses", "")).startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_only_the_job_that_publishes_may_write_to_the_repository() -> None:
    workflow: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text("utf-8"))
    writers = [
        name for name, job in workflow["jobs"].items() if job["permissions"].get("contents") == "write"
    ]
    assert writers == ["publish"]
    assert set(workflow["jobs"]["publish"]["needs"]) == {"plan", "image"}
    assert set(workflow["jobs"]["image"]["needs"]) == {"plan", "test"}


def test_the_workflow_for_enterprise_server_is_the_same_without_what_that_does_not_know() -> None:
    folder = ROOT / ".github" / "workflows"
    here, there = (
        yaml.safe_load((folder / name).read_text("utf-8"))
        for name in ("deploy.yml", "deploy-enterprise-server.yml")
    )
    group = here["jobs"]["deploy"]["concurrency"]
    assert group.pop("queue") == "max"
    steps = here["jobs"]["deploy"]["steps"]
    (ours,) = [step for step in steps if step.get("uses") == "$/deploy"]
    ours["uses"] = "org/deploy-coordinator@v1"
    assert there == here


NOT_PASSED_ON = {name for name, one in TABLE.items() if not one.workflow} - {"mode"}
SECRETS = {name for name, one in TABLE.items() if one.secret and one.workflow} - {"github-token"}


def called() -> tuple[dict[str, Any], dict[str, Any]]:
    """The workflow to call, and what it is called with."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "deploy.yml").read_text("utf-8"))
    (call,) = (event["workflow_call"] for key, event in workflow.items() if key is True)
    return workflow, call


class TestTheWorkflowToCall:
    def test_it_runs_the_action_of_its_own_commit(self) -> None:
        """`$/` is the commit of the workflow, whatever it was called by; the runner wants a path after it."""
        workflow, _ = called()
        uses = [step["uses"] for job in workflow["jobs"].values() for step in job["steps"] if "uses" in step]
        assert [use for use in uses if not PINNED.fullmatch(f"{use} # v0.0.0")] == ["$/deploy"]
        assert (ROOT / "deploy" / "action.yml").is_file()

    def test_it_passes_every_input_on_and_repeats_its_default(self) -> None:
        action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))["inputs"]
        workflow, call = called()
        used = workflow["jobs"]["deploy"]["steps"][-1]["with"]
        assert set(action) - set(used) == NOT_PASSED_ON
        assert used["mode"] == "deploy"
        for name in set(used) - {"github-token", "mode", *SECRETS}:
            assert used[name] == f"${{{{ inputs.{name} }}}}"
            if name not in {"stack-name", "environment"}:
                assert call["inputs"][name]["default"] == str(action[name]["default"]), name

    def test_its_secrets_can_exist(self) -> None:
        """A secret's name has no hyphen, so `secrets: inherit` never finds one that has."""
        workflow, call = called()
        used = workflow["jobs"]["deploy"]["steps"][-1]["with"]
        for name in SECRETS:
            usual = name.replace("-", "_")
            assert usual in call["secrets"]
            assert used[name] == f"${{{{ secrets.{usual} || secrets.{name} }}}}"
        assert used["github-token"] == "${{ github.token }}"
        former = {name for name in call["secrets"] if "-" in name}
        assert {name.replace("-", "_") for name in former} <= set(call["secrets"])

    def test_it_has_every_output_of_the_action(self) -> None:
        action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))["outputs"]
        workflow, call = called()
        job = workflow["jobs"]["deploy"]["outputs"]
        action = {name: it for name, it in action.items() if name not in UNKNOWN}  # it never only asks
        assert job == {name: f"${{{{ steps.deploy.outputs.{name} }}}}" for name in action}
        assert {name: it["value"] for name, it in call["outputs"].items()} == {
            name: f"${{{{ jobs.deploy.outputs.{name} }}}}" for name in action
        }

    def test_who_waits_for_a_reviewer_holds_no_group_of_others(self) -> None:
        """A job that waits for one holds its group, and `newest` needs waiters in the lock's queue."""
        jobs = called()[0]["jobs"]
        assert "concurrency" not in jobs["approve"]
        assert jobs["deploy"]["needs"] == "approve"
        group = jobs["deploy"]["concurrency"]["group"]
        assert (
            "(inputs.github-environment != '' || inputs.queue-policy == 'newest') && format('-{0}'" in group
        )

    @pytest.mark.parametrize(
        ("given", "code", "written"),
        [
            ("", 0, ""),
            ("# a\nA=1\n\nB_2=x=y%z\r\n", 0, "A=1\nB_2=x=y%z\n"),
            ("A=1\nnot a line", 1, "A=1\n"),
            ("A-B=1", 1, ""),
        ],
    )
    def test_variables_of_the_command_are_masked_and_nothing_else_is_taken(
        self, tmp_path: Path, given: str, code: int, written: str
    ) -> None:
        steps = called()[0]["jobs"]["deploy"]["steps"]
        (step,) = (step for step in steps if step.get("name") == "Variables for the command")
        file = tmp_path / "env"
        file.touch()
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            env={"COMMAND_ENVIRONMENT": given, "GITHUB_ENV": str(file), "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, file.read_text("utf-8")) == (code, written)
        for line in written.splitlines():
            assert f"::add-mask::{line.partition('=')[2].replace('%', '%25')}\n" in done.stdout


def test_a_promotion_follows_only_what_was_deployed() -> None:
    jobs = yaml.safe_load((ROOT / "examples" / "promotion.yml").read_text("utf-8"))["jobs"]
    assert jobs["production"]["if"] == "needs.staging.outputs.deployed == 'true'"
    assert jobs["production"]["with"]["approval-environment"]
