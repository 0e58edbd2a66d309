"""Whom a freeze lets pass: people, workflow files, and the members that a team has now."""

from __future__ import annotations

import re

from deploy_action.cli.common import UsageError
from deploy_action.github.api import GitHubApi, GitHubUnavailable

_ACTOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(\[bot\])?")
_WORKFLOW = re.compile(r"([\w.-]+/[\w.-]+/\.github/workflows/)?[\w.-]+\.ya?ml")
_TEAM = re.compile(r"@[A-Za-z0-9-]+/[\w.-]+")
PAGES_MAX = 5
PAGE = 100


def parse_allowed(text: str) -> str:
    """A word of `freeze --allow`. Raises ValueError."""
    if any(kind.fullmatch(text) for kind in (_ACTOR, _WORKFLOW, _TEAM)):
        return text
    raise ValueError(
        f"`{text}` is neither a GitHub login, nor a workflow file such as deploy.yml, nor @ORG/TEAM."
    )


def with_members(words: tuple[str, ...], *, token: str, api_url: str) -> tuple[str, ...]:
    """With the logins of its members in the place of each team: the token of a job may not ask for them
    (`read:org`). Raises UsageError."""
    found: list[str] = []
    for word in words:
        found += _members(word, token, api_url) if word.startswith("@") else [word]
    return tuple(dict.fromkeys(found))


def _members(team: str, token: str, api_url: str) -> list[str]:
    if not token:
        raise UsageError(f"--allow {team}: a token with `read:org` is needed to see who is in it.")
    organisation, _, slug = team[1:].partition("/")
    api = GitHubApi(token, api_url=api_url)
    logins: list[str] = []
    for page in range(1, PAGES_MAX + 1):
        try:
            answer = api.get(f"/orgs/{organisation}/teams/{slug}/members?per_page={PAGE}&page={page}")
        except GitHubUnavailable as error:
            raise UsageError(f"--allow {team}: {error}") from error
        if answer.status != 200 or not isinstance(answer.body, list):
            raise UsageError(
                f"--allow {team}: GitHub does not say who is in it ({answer.status} {answer.message}).",
                remedy="Give a token with `read:org`, or name the people.",
            )
        logins += [str(one["login"]) for one in answer.body if isinstance(one, dict) and one.get("login")]
        if len(answer.body) < PAGE:
            break
    if not logins:
        raise UsageError(f"--allow {team}: nobody is in it.")
    return logins
