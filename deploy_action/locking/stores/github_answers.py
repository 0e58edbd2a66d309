"""Parts of GitHub's answers, where they have the expected shape."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from deploy_action.github.api import GitHubUnavailable

if TYPE_CHECKING:
    from deploy_action.github.api import Answer, GitHubApi

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}/(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}")


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


def tree_of(answer: Answer) -> list[Any]:
    """The entries of a commit's whole tree."""
    entries = answer.body.get("tree") if isinstance(answer.body, dict) else None
    if not isinstance(entries, list) or answer.body.get("truncated") is not False:
        raise GitHubUnavailable("GitHub's answer is not the whole tree of the commit.", soon=False)
    return entries


def new_name(api: GitHubApi, moved: Answer) -> str:
    """The name of a renamed or transferred repository, by GitHub's answer that it has moved; empty where it
    does not say, or is on another host."""
    target = urlsplit(moved.headers.get("location", ""))
    own = urlsplit(api.url)
    found = re.fullmatch(rf"{re.escape(own.path.rstrip('/'))}(/repositories/[0-9]+)(/.*)?", target.path)
    if found is None or (target.scheme, target.netloc) != (own.scheme, own.netloc):
        return ""
    about = api.get(found[1])
    name = about.body.get("full_name") if about.status == 200 and isinstance(about.body, dict) else None
    return name if isinstance(name, str) and _NAME.fullmatch(name) else ""
