"""Runs to which GitHub gives no secrets: of Dependabot, and of pull requests from forks.

Source: docs.github.com, "Events that trigger workflows" and "Dependabot on GitHub Actions".
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_BYTES_MAX = 4_000_000
_EVENTS = frozenset({"pull_request", "pull_request_review", "pull_request_review_comment"})
"""Those that run with the rights of where the commit comes from; `pull_request_target` does not."""


def why_without_secrets(environ: Mapping[str, str]) -> str:
    """A sentence or two for people; empty where the run gets what its repository has. Never raises."""
    if environ.get("GITHUB_ACTOR") == "dependabot[bot]" and environ.get("GITHUB_EVENT_NAME") != "schedule":
        return (
            "This run is Dependabot's: GitHub gives it no secrets, and a token that only reads. Skip "
            "the deployment for it (`if: github.actor != 'dependabot[bot]'`)."
        )
    if environ.get("GITHUB_EVENT_NAME") not in _EVENTS:
        return ""
    head = _head(environ)
    if not head or head.lower() == environ.get("GITHUB_REPOSITORY", "").lower():
        return ""
    return (
        f"This run is of a pull request from the fork {head[:140]}: GitHub gives it no secrets, no OIDC "
        "token and a token that only reads. Deploy after the merge."
    )


def _head(environ: Mapping[str, str]) -> str:
    """The repository that a pull request comes from."""
    event: Any = None
    path = Path(environ.get("GITHUB_EVENT_PATH") or "/nowhere")
    with suppress(OSError, ValueError, RecursionError):
        if path.is_file() and path.stat().st_size <= _BYTES_MAX:
            event = json.loads(path.read_text("utf-8", "replace"))
    for key in ("pull_request", "head", "repo"):
        event = event.get(key) if isinstance(event, dict) else None
    name = event.get("full_name") if isinstance(event, dict) else None
    return name if isinstance(name, str) else ""
