"""The JSON of GitHub's resources, in the shapes that `openapi.json` demands."""

from __future__ import annotations

import base64
from typing import Any

from tests.fakes.github.objects import Commit, Repository, iso

LARGE = 1_000_000  # bytes; a larger file's content is left out of a contents answer


def git_ref(url: str, ref: str, sha: str) -> dict[str, Any]:
    target = {"type": "commit", "sha": sha, "url": f"{url}/git/commits/{sha}"}
    return {"ref": ref, "node_id": "REF", "url": f"{url}/git/{ref}", "object": target}


def git_commit(url: str, commit: Commit) -> dict[str, Any]:
    own = f"{url}/git/commits/{commit.sha}"
    who = {"name": "github-actions[bot]", "email": "bot@example.invalid", "date": iso(commit.seconds)}
    parents = [
        {"sha": sha, "url": f"{url}/git/commits/{sha}", "html_url": f"{url}/commit/{sha}"}
        for sha in commit.parents
    ]
    unsigned = {
        "verified": False,
        "reason": "unsigned",
        "signature": None,
        "payload": None,
        "verified_at": None,
    }
    return {
        "sha": commit.sha,
        "node_id": "C",
        "url": own,
        "html_url": f"{url}/commit/{commit.sha}",
        "author": who,
        "committer": who,
        "message": commit.message,
        "tree": {"sha": commit.tree, "url": f"{url}/git/trees/{commit.tree}"},
        "parents": parents,
        "verification": unsigned,
    }


def git_tree(url: str, repository: Repository, sha: str) -> dict[str, Any]:
    entries = [
        {
            "path": path,
            "mode": "100644",
            "type": "blob",
            "sha": blob,
            "size": len(repository.blobs[blob]),
            "url": f"{url}/git/blobs/{blob}",
        }
        for path, blob in sorted(repository.trees[sha].items())
    ]
    return {"sha": sha, "url": f"{url}/git/trees/{sha}", "tree": entries, "truncated": False}


def git_blob(url: str, sha: str, content: bytes) -> dict[str, Any]:
    return {
        "sha": sha,
        "node_id": "B",
        "size": len(content),
        "url": f"{url}/git/blobs/{sha}",
        "content": base64.encodebytes(content).decode(),
        "encoding": "base64",
    }


def content_file(url: str, path: str, ref: str, sha: str, content: bytes) -> dict[str, Any]:
    own, git = f"{url}/contents/{path}?ref={ref}", f"{url}/git/blobs/{sha}"
    html = f"{url}/blob/{ref}/{path}"
    large = len(content) > LARGE
    return {
        "type": "file",
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": sha,
        "size": len(content),
        "encoding": "none" if large else "base64",
        "content": "" if large else base64.encodebytes(content).decode(),
        "url": own,
        "git_url": git,
        "html_url": html,
        "download_url": html,
        "_links": {"self": own, "git": git, "html": html},
    }


def content_folder(url: str, path: str, ref: str, files: dict[str, str]) -> list[dict[str, Any]]:
    inside = {rest.partition("/")[0] for f in files if (rest := f.removeprefix(f"{path}/")) != f}
    return [
        {
            key: value
            for key, value in content_file(url, f"{path}/{name}", ref, "0" * 40, b"").items()
            if key not in {"content", "encoding"}
        }
        for name in sorted(inside)
    ]


def owner(base: str, login: str) -> dict[str, Any]:
    own = f"{base}/users/{login}"
    links = (
        "followers",
        "following",
        "gists",
        "starred",
        "subscriptions",
        "organizations",
        "repos",
        "events",
    )
    return {
        "login": login,
        "id": 1,
        "node_id": "U",
        "avatar_url": own,
        "gravatar_id": "",
        "url": own,
        "html_url": own,
        "received_events_url": f"{own}/received_events",
        "type": "Organization",
        "site_admin": False,
    } | {f"{name}_url": f"{own}/{name}" for name in links}


_REPOSITORY_LINKS = [
    "archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare",
    "contents", "contributors", "deployments", "downloads", "events", "forks", "git_commits",
    "git_refs", "git_tags", "hooks", "issue_comment", "issue_events", "issues", "keys", "labels",
    "languages", "merges", "milestones", "notifications", "pulls", "releases", "stargazers", "statuses",
    "subscribers", "subscription", "tags", "teams", "trees",
]  # fmt: skip
_COUNTS = [
    "forks", "forks_count", "open_issues", "open_issues_count", "size", "stargazers_count", "watchers",
    "watchers_count", "network_count", "subscribers_count",
]  # fmt: skip
_FEATURES = [
    "has_issues", "has_projects", "has_wiki", "has_pages", "has_discussions", "archived", "disabled",
    "fork",
]  # fmt: skip
_RUN_LINKS = [
    "jobs", "logs", "check_suite", "cancel", "rerun", "artifacts",
]  # fmt: skip


def repository(base: str, repo: Repository) -> dict[str, Any]:
    own = f"{base}/repos/{repo.name}"
    login, _, name = repo.name.partition("/")
    return (
        {
            "id": repo.identity,
            "node_id": "R",
            "name": name,
            "full_name": repo.name,
            "owner": owner(base, login),
            "private": True,
            "html_url": own,
            "description": None,
            "url": own,
            "default_branch": repo.default_branch,
            "homepage": None,
            "language": None,
            "license": None,
            "mirror_url": None,
            "pushed_at": iso(0),
            "created_at": iso(0),
            "updated_at": iso(0),
        }
        | {f"{name}_url": f"{own}/{name}" for name in _REPOSITORY_LINKS}
        | {f"{name}_url": f"{own}.git" for name in ("clone", "git", "ssh", "svn")}
        | dict.fromkeys(_COUNTS, 0)
        | dict.fromkeys(_FEATURES, False)
    )


def comparison(url: str, base: Commit, common: Commit, ahead: int, behind: int) -> dict[str, Any]:
    """Of two commits, a later page: commits and files are on the first."""
    own = f"{url}/compare/{base.sha}"
    status = "diverged" if behind and ahead else "ahead" if ahead else "behind" if behind else "identical"
    return {
        **dict.fromkeys(("url", "html_url", "permalink_url", "diff_url", "patch_url"), own),
        "base_commit": _commit(url, base),
        "merge_base_commit": _commit(url, common),
        "status": status,
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": ahead,
        "commits": [],
    }


def _commit(url: str, commit: Commit) -> dict[str, Any]:
    plain = git_commit(url, commit)
    return {
        **{name: plain[name] for name in ("sha", "node_id", "html_url", "parents")},
        "url": f"{url}/commits/{commit.sha}",
        "comments_url": f"{url}/commits/{commit.sha}/comments",
        "author": {},
        "committer": {},
        "commit": {
            **{
                name: plain[name]
                for name in ("author", "committer", "message", "tree", "url", "verification")
            },
            "comment_count": 0,
        },
    }


def job(url: str, given: dict[str, Any], seconds: float) -> dict[str, Any]:
    """A job as given, the rest filled in. `status` and `conclusion` are the ones that matter."""
    own = f"{url}/actions/jobs/{given['id']}"
    done = given.get("status", "in_progress") == "completed"
    return {
        "run_id": 1,
        "run_attempt": 1,
        "run_url": f"{url}/actions/runs/{given.get('run_id', 1)}",
        "node_id": "J",
        "head_sha": "0" * 40,
        "head_branch": "main",
        "workflow_name": "Deploy",
        "name": "deploy",
        "url": own,
        "html_url": own,
        "check_run_url": f"{url}/check-runs/{given['id']}",
        "status": "in_progress",
        "conclusion": "success" if done else None,
        "created_at": iso(seconds),
        "started_at": iso(seconds),
        "completed_at": iso(seconds) if done else None,
        "steps": [],
        "labels": ["ubuntu-latest"],
        "runner_id": 1,
        "runner_name": "runner 1",
        "runner_group_id": 1,
        "runner_group_name": "Default",
    } | given


def run(base: str, repo: Repository, given: dict[str, Any], seconds: float) -> dict[str, Any]:
    """A workflow run as given, the rest filled in."""
    repo_url = f"{base}/repos/{repo.name}"
    own = f"{repo_url}/actions/runs/{given['id']}"
    full = repository(base, repo)
    full.pop("license")
    who = {"name": "A", "email": "a@example.invalid"}
    done = given.get("status", "in_progress") == "completed"
    commit = {"id": "0" * 40, "tree_id": "0" * 40, "message": "m", "timestamp": iso(seconds)}
    return (
        {
            "name": "Deploy",
            "node_id": "W",
            "head_branch": "main",
            "head_sha": "0" * 40,
            "path": ".github/workflows/deploy.yml",
            "run_number": 1,
            "run_attempt": 1,
            "display_title": "Deploy",
            "event": "push",
            "status": "in_progress",
            "conclusion": "success" if done else None,
            "workflow_id": 1,
            "url": own,
            "html_url": own,
            "pull_requests": [],
            "created_at": iso(seconds),
            "updated_at": iso(seconds),
            "run_started_at": iso(seconds),
            "head_commit": commit | {"author": who, "committer": who},
            "repository": full,
            "head_repository": full,
            "workflow_url": f"{repo_url}/actions/workflows/1",
        }
        | {f"{n}_url": f"{own}/{n}" for n in _RUN_LINKS}
        | given
    )


def comment(url: str, identity: int, number: int, body: str, seconds: float) -> dict[str, Any]:
    """On the pull request of that number; without its author."""
    return {
        "id": identity,
        "node_id": "IC",
        "url": f"{url}/issues/comments/{identity}",
        "html_url": f"{url}/pull/{number}#issuecomment-{identity}",
        "issue_url": f"{url}/issues/{number}",
        "body": body,
        "author_association": "NONE",
        "created_at": iso(seconds),
        "updated_at": iso(seconds),
    }


def pull_request_counts(plain: dict[str, Any]) -> dict[str, Any]:
    """What one pull request has beside what a list of them shows."""
    counts = ("additions", "changed_files", "comments", "commits", "deletions", "review_comments")
    return {
        **dict.fromkeys(counts, 1),
        "mergeable": None,
        "mergeable_state": "unknown",
        "merged": plain["merged_at"] is not None,
        "maintainer_can_modify": False,
        "merged_by": None,
    }


def pull_request(base: str, repo: Repository, given: dict[str, Any], seconds: float) -> dict[str, Any]:
    """As given, the rest filled in."""
    whole = repository(base, repo)
    own = f"{whole['url']}/pulls/{given['number']}"
    who = owner(base, "mona") | {"type": "User"}
    links = ("self", "html", "issue", "comments", "review_comments", "review_comment", "commits", "statuses")
    pages = ("html", "diff", "patch", "issue", "commits", "review_comments", "review_comment", "comments")
    side = {
        "label": "org:branch",
        "ref": "branch",
        "sha": "0" * 40,
        "user": who,
        "repo": whole | {"has_downloads": False},
    }
    return {
        "id": given["number"],
        "node_id": "PR",
        "url": own,
        **{f"{name}_url": own for name in (*pages, "statuses")},
        "_links": {name: {"href": own} for name in links},
        "state": "closed" if given.get("merged_at") else "open",
        "locked": False,
        "title": "A change",
        "user": who,
        "body": None,
        "labels": [],
        "milestone": None,
        "assignee": None,
        "auto_merge": None,
        "author_association": "MEMBER",
        "created_at": iso(seconds),
        "updated_at": iso(seconds),
        "closed_at": given.get("merged_at"),
        "merged_at": None,
        "merge_commit_sha": None,
        **given,
        "base": side,
        "head": side | given["head"],
    }
