"""Parts of GitHub's answers, where they have the expected shape."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

from deploy_action.github.api import GitHubUnavailable

if TYPE_CHECKING:
    from deploy_action.github.api import Answer


def text_at(body: Any, *keys: str) -> str:
    """The text at `keys`. An answer of another shape is as good as none: a proxy may have made it."""
    for key in keys:
        body = body.get(key) if isinstance(body, dict) else None
    if not isinstance(body, str):
        raise GitHubUnavailable(f"GitHub's answer has no {'.'.join(keys)}.", soon=False)
    return body


def sha_at(body: Any, *keys: str) -> str:
    sha = text_at(body, *keys)
    if not re.fullmatch(r"[0-9a-f]{40,64}", sha):
        raise GitHubUnavailable(f"GitHub's answer has no hash as {'.'.join(keys)}.", soon=False)
    return sha


def content_of(answer: Answer) -> bytes:
    try:
        content = base64.b64decode("".join(text_at(answer.body, "content").split()), validate=True)
    except ValueError:
        content = None
    if content is None or len(content) != answer.body.get("size"):
        raise GitHubUnavailable("GitHub's answer does not hold the whole document.", soon=True)
    return content
