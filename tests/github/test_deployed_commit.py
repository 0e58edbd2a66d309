"""Which commit a job deploys."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from deploy_action.github.deployed_commit import deployed_commit, head_of

if TYPE_CHECKING:
    from pathlib import Path

HEAD, PACKED, EVENT = "a" * 40, "b" * 40, "c" * 40


@pytest.fixture
def git(tmp_path: Path) -> Path:
    folder = tmp_path / ".git"
    folder.mkdir()
    (folder / "config").write_text('[remote "origin"]\n\turl = git@github.com:Org/App.git\n')
    (folder / "HEAD").write_text(f"{HEAD}\n")
    return folder


def test_a_detached_head(git: Path) -> None:
    assert head_of(git.parent, "org/app") == HEAD


def test_a_branch_that_is_packed(git: Path) -> None:
    (git / "HEAD").write_text("ref: refs/heads/feature/x\n")
    (git / "packed-refs").write_text(f"# pack-refs\n{HEAD} refs/heads/x\n{PACKED} refs/heads/feature/x\n")
    assert head_of(git.parent, "org/app") == PACKED


@pytest.mark.parametrize("head", ["", "ref: refs/heads/../../config", "ref: /etc/passwd", "x" * 40, "\x00"])
def test_what_is_no_head_is_none(git: Path, head: str) -> None:
    (git / "HEAD").write_text(head)
    assert head_of(git.parent, "org/app") == ""


def test_a_checkout_of_another_repository_says_nothing(git: Path) -> None:
    assert head_of(git.parent, "org/other") == head_of(git.parent, "xorg/app") == ""


def test_no_checkout_and_folders_in_place_of_files(tmp_path: Path) -> None:
    assert head_of(tmp_path, "org/app") == ""
    (tmp_path / ".git" / "config").mkdir(parents=True)
    assert head_of(tmp_path, "org/app") == ""


@pytest.mark.parametrize("text", [json.dumps({"workflow_run": {"head_sha": HEAD}}), "[" * 99_999, "{}", "7"])
def test_after_another_workflow_the_event_names_its_commit(tmp_path: Path, text: str) -> None:
    event = tmp_path / "event.json"
    event.write_text(text)
    environ = {
        "GITHUB_SHA": EVENT,
        "GITHUB_EVENT_NAME": "workflow_run",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_WORKSPACE": str(tmp_path),
        "GITHUB_REPOSITORY": "org/app",
    }
    assert deployed_commit(environ) == (HEAD if HEAD in text else EVENT)
    assert deployed_commit({**environ, "GITHUB_EVENT_NAME": "push"}) == EVENT
