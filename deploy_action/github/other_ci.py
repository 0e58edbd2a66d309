"""Runs outside GitHub Actions: link, person, commit and branch from the variables of other CI systems.

Sources: docs.gitlab.com/ci/variables/predefined_variables, Jenkins' `/env-vars.html` and its Git plugin, the
CodeBuild user guide's "Environment variables in build environments", Bitbucket's "Variables and secrets".
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

SYSTEMS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "GITLAB_CI": {
        "page": ("CI_JOB_URL", "CI_PIPELINE_URL"),
        "repository": ("CI_PROJECT_PATH",),
        "actor": ("GITLAB_USER_LOGIN",),
        "commit": ("CI_COMMIT_SHA",),
        "ref": ("CI_COMMIT_REF_NAME",),
        "workflow": ("CI_PIPELINE_NAME", "CI_JOB_NAME"),
        "run_number": ("CI_PIPELINE_IID",),
    },
    "JENKINS_URL": {
        "page": ("RUN_DISPLAY_URL", "BUILD_URL"),
        "repository": ("JOB_NAME",),
        "actor": ("BUILD_USER_ID", "BUILD_USER", "CHANGE_AUTHOR"),
        "commit": ("GIT_COMMIT",),
        "ref": ("BRANCH_NAME", "GIT_BRANCH"),
        "workflow": ("JOB_NAME",),
        "run_number": ("BUILD_NUMBER",),
    },
    "CODEBUILD_BUILD_ID": {
        "page": ("CODEBUILD_BUILD_URL",),
        "actor": ("CODEBUILD_WEBHOOK_ACTOR_ACCOUNT_ID", "CODEBUILD_INITIATOR"),
        "commit": ("CODEBUILD_RESOLVED_SOURCE_VERSION",),
        "ref": ("CODEBUILD_WEBHOOK_HEAD_REF",),
        "run_number": ("CODEBUILD_BUILD_NUMBER",),
    },
    "BITBUCKET_BUILD_NUMBER": {
        "repository": ("BITBUCKET_REPO_FULL_NAME",),
        "actor": ("BITBUCKET_STEP_TRIGGERER_UUID",),
        "commit": ("BITBUCKET_COMMIT",),
        "ref": ("BITBUCKET_BRANCH", "BITBUCKET_TAG"),
        "run_number": ("BITBUCKET_BUILD_NUMBER",),
    },
}
"""By the variable that tells the system: fields of RunContext, and the variables that fill each. The first
that is set counts."""


def of_other_ci(environ: Mapping[str, str]) -> dict[str, str]:
    """Fields of RunContext; empty within GitHub Actions and where no system is known."""
    if environ.get("GITHUB_ACTIONS") or environ.get("GITHUB_RUN_ID"):
        return {}
    system = next((name for name in SYSTEMS if environ.get(name)), None)
    if system is None:
        return {}
    found = {
        field: next((environ[name] for name in names if environ.get(name)), "")
        for field, names in SYSTEMS[system].items()
    }
    if system == "BITBUCKET_BUILD_NUMBER" and environ.get("BITBUCKET_GIT_HTTP_ORIGIN"):
        origin, number = environ["BITBUCKET_GIT_HTTP_ORIGIN"].rstrip("/"), environ[system]
        found["page"] = f"{origin}/pipelines/results/{number}"
    if urlsplit(found.get("page", "")).scheme not in {"http", "https"}:
        found["page"] = ""
    return {name: text for name, text in found.items() if text}
