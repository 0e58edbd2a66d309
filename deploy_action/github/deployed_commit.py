"""Which commit a job deploys: the one that is checked out, where that can be seen.

GITHUB_SHA is the commit of the event: under `workflow_run` that is the newest of the default branch, after a
dispatch with a `ref` for the checkout that of the dispatch, whatever is deployed.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
VERSION_MAX = 100
_BYTES_MAX = 4_000_000
_REF = re.compile(r"ref: (refs/[A-Za-z0-9._/@+-]{1,400})")


def parse_commit(text: str) -> str:
    """A whole commit id in lower case. Raises ValueError."""
    commit = text.strip().lower()
    if not COMMIT.fullmatch(commit):
        raise ValueError(
            f"`{text[:100]}` is not a whole commit id (40 or 64 hexadecimal digits), as "
            "`git rev-parse HEAD` prints it."
        )
    return commit


def parse_version(text: str) -> str:
    """One line of text for people. Raises ValueError."""
    if len(text) > VERSION_MAX or not text.isprintable():
        raise ValueError(f"it is not one line of at most {VERSION_MAX} characters.")
    return text


def deployed_commit(environ: Mapping[str, str]) -> str:
    """HEAD of the workspace, where the run's own repository is checked out there; else the commit that the
    event is about; else GITHUB_SHA. Never raises; empty where none is known."""
    sha = environ.get("GITHUB_SHA", "")
    repository = environ.get("GITHUB_REPOSITORY", "")
    found = head_of(Path(environ["GITHUB_WORKSPACE"]), repository) if environ.get("GITHUB_WORKSPACE") else ""
    return found or _of_event(environ) or sha


def head_of(workspace: Path, repository: str) -> str:
    """Empty where nothing is checked out at the top of the workspace, or another repository."""
    git = workspace / ".git"
    if not repository or not _is_checkout_of(_text(git / "config"), repository):
        return ""
    head = _text(git / "HEAD").strip()
    if COMMIT.fullmatch(head):
        return head
    ref = _REF.fullmatch(head)
    if ref is None or ".." in ref[1]:
        return ""
    loose = _text(git / ref[1]).strip()
    if COMMIT.fullmatch(loose):
        return loose
    packed = re.search(
        rf"^([0-9a-f]{{40,64}}) {re.escape(ref[1])}$", _text(git / "packed-refs"), re.MULTILINE
    )
    return packed[1] if packed else ""


def _is_checkout_of(config: str, repository: str) -> bool:
    name = re.escape(repository)
    return (
        re.search(rf"^\s*url\s*=\s*\S+[/:]{name}(\.git)?/?\s*$", config, re.MULTILINE | re.IGNORECASE)
        is not None
    )


def _of_event(environ: Mapping[str, str]) -> str:
    """Under `workflow_run`, what the run that ended had built."""
    if environ.get("GITHUB_EVENT_NAME") != "workflow_run":
        return ""
    event: Any = None
    with suppress(ValueError, RecursionError):
        event = json.loads(_text(Path(environ.get("GITHUB_EVENT_PATH") or "/nowhere")) or "null")
    run = event.get("workflow_run") if isinstance(event, dict) else None
    commit = run.get("head_sha") if isinstance(run, dict) else None
    return commit if isinstance(commit, str) and COMMIT.fullmatch(commit) else ""


def _text(path: Path) -> str:
    """Empty where there is no such regular file, or a larger one than git or GitHub writes."""
    try:
        if not path.is_file() or path.stat().st_size > _BYTES_MAX:
            return ""
        return path.read_text("utf-8", "replace")
    except (OSError, ValueError):
        return ""
