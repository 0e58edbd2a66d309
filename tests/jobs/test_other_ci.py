"""The run that this is, outside GitHub Actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deploy_action.github.run_context import run_context

if TYPE_CHECKING:
    from tests.jobs.stage import Stage

COMMIT = "a" * 40
SYSTEMS = {
    "GitLab": (
        {
            "GITLAB_CI": "true",
            "CI_JOB_URL": "https://gitlab.example/org/app/-/jobs/7",
            "CI_PROJECT_PATH": "org/app",
            "GITLAB_USER_LOGIN": "ada",
            "CI_COMMIT_SHA": COMMIT,
            "CI_COMMIT_REF_NAME": "main",
        },
        ("https://gitlab.example/org/app/-/jobs/7", "ada", "main"),
    ),
    "Jenkins": (
        {
            "JENKINS_URL": "https://ci.example/",
            "BUILD_URL": "https://ci.example/job/app/7/",
            "JOB_NAME": "app",
            "BUILD_USER_ID": "ada",
            "GIT_COMMIT": COMMIT,
            "GIT_BRANCH": "origin/main",
        },
        ("https://ci.example/job/app/7/", "ada", "origin/main"),
    ),
    "CodeBuild": (
        {
            "CODEBUILD_BUILD_ID": "app:1",
            "CODEBUILD_BUILD_URL": "https://eu-west-1.console.aws.amazon.com/codebuild/home#/builds/app:1",
            "CODEBUILD_INITIATOR": "ada",
            "CODEBUILD_RESOLVED_SOURCE_VERSION": COMMIT,
            "CODEBUILD_WEBHOOK_HEAD_REF": "refs/heads/main",
        },
        ("https://eu-west-1.console.aws.amazon.com/codebuild/home#/builds/app:1", "ada", "refs/heads/main"),
    ),
    "Bitbucket": (
        {
            "BITBUCKET_BUILD_NUMBER": "7",
            "BITBUCKET_GIT_HTTP_ORIGIN": "http://bitbucket.org/org/app",
            "BITBUCKET_REPO_FULL_NAME": "org/app",
            "BITBUCKET_STEP_TRIGGERER_UUID": "{ada}",
            "BITBUCKET_COMMIT": COMMIT,
            "BITBUCKET_BRANCH": "main",
        },
        ("http://bitbucket.org/org/app/pipelines/results/7", "{ada}", "main"),
    ),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_link_person_and_commit_are_told(name: str) -> None:
    environ, (url, actor, ref) = SYSTEMS[name]
    run = run_context(environ)
    assert (run.url, run.actor, run.ref, run.commit, run.run_id) == (url, actor, ref, COMMIT, "")
    assert run.commit_url == ""


def test_within_github_actions_none_of_them_counts() -> None:
    run = run_context({**SYSTEMS["Jenkins"][0], "GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "grace"})
    assert (run.url, run.actor, run.commit) == ("", "grace", "")


def test_a_page_that_is_none_is_no_link() -> None:
    assert run_context({"GITLAB_CI": "true", "CI_JOB_URL": "javascript:alert(1)"}).url == ""


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_deployment_there_is_remembered_with_its_run_and_advises_no_permissions(
    stage: Stage, name: str
) -> None:
    job = stage.job(template=stage.template("Resources: {Topic: {Type: AWS::SNS::Topic}}"))
    job.environ = {
        key: value for key, value in job.environ.items() if not key.startswith("GITHUB_")
    } | SYSTEMS[name][0]
    job.environ["GITHUB_WORKSPACE"] = str(stage.root)
    assert job.deploy() == 0, job.log
    history = (stage.root / "registry" / "deployment-history.json").read_text("utf-8")
    assert SYSTEMS[name][1][0] in history
    assert COMMIT in history
    assert "permissions:" not in job.log
