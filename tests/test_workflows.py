"""Workflows and examples: what runs there is pinned, may do little, and ends. zizmor looks at much more."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))
EXAMPLES = sorted(ROOT.glob("examples/*.yml"))
OURS = re.compile(r"org/deploy-coordinator(/[\w-]+)?@v\d+|\./.*|org/deploy-coordinator/\.github/workflows/.*")
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
    called = file.name == "deploy.yml"
    assert "concurrency" in workflow or called
    for name, job in workflow["jobs"].items():
        assert "permissions" in job, name
        assert "concurrency" in job or not called, name
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


NOT_PASSED_ON = {
    "lock-token",  # of another job, and this is a whole run's deployment
    "github-deployment",  # the job's own `environment:` makes one
    "environment-url",
}


def test_the_workflow_to_call_passes_every_input_on_and_repeats_its_default() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))["inputs"]
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "deploy.yml").read_text("utf-8"))
    (call,) = (event["workflow_call"] for key, event in workflow.items() if key is True)
    used = workflow["jobs"]["deploy"]["steps"][-1]["with"]
    assert set(action) - set(used) == NOT_PASSED_ON
    assert used["mode"] == "deploy"  # whoever calls it never means to watch only
    for name in set(used) - {"github-token", "stack-name", "environment", "mode"}:
        if name in call["secrets"]:
            assert used[name] == f"${{{{ secrets.{name} }}}}"
        else:
            assert used[name] == f"${{{{ inputs.{name} }}}}"
            assert call["inputs"][name]["default"] == str(action[name]["default"]), name
