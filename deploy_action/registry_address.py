"""Where the registry is, as the input `registry` names it."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RegistryAddress:
    """`kind` is github, s3, dynamodb or file; `place` a repository, bucket, table or path; `prefix` a branch
    or the prefix of a key. An empty repository is the job's own, an empty branch or prefix the usual one.
    """

    kind: str
    place: str = ""
    prefix: str = ""


def parse_registry(text: str) -> RegistryAddress:
    """What the input `registry` names; raises ValueError with a sentence for people."""
    if text.lower() == "github":
        return RegistryAddress("github")
    kind, separator, rest = text.partition("://")
    kind = kind.lower() if kind.lower() in {"github", "s3", "dynamodb"} else kind
    if separator and kind == "file":
        if not rest.startswith("/"):
            raise ValueError(f"`{text}` must be file:// and an absolute path that the runners share.")
        return RegistryAddress("file", rest)
    if separator and kind == "github":
        return _repository(text, *rest.partition("#"))
    if separator and kind in {"s3", "dynamodb"}:
        place, _, prefix = rest.partition("/")
        if re.fullmatch(r"[A-Za-z0-9._-]{3,255}", place):
            return RegistryAddress(kind, place, prefix.strip("/"))
    raise ValueError(
        f"`{text}` is none of github, github://owner/name#branch, s3://bucket/prefix, dynamodb://table, "
        "file:///path."
    )


def _repository(text: str, repository: str, separator: str, branch: str) -> RegistryAddress:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}", repository):
        raise ValueError(f"`{text}` must be github://owner/name or github://owner/name#branch.")
    if repository.endswith(".git"):
        raise ValueError(f"`{text}` ends in .git, which is no part of a repository's name.")
    if separator and (
        not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}", branch)
        or re.search(r"\.\.|//|/\.|[./]$|\.lock(/|$)", branch)
    ):
        if not branch:
            raise ValueError(f"after the # in `{text}` there is no branch.")
        raise ValueError(f"`{branch}` in `{text}` is not the name of a branch.")
    return RegistryAddress("github", repository, branch)
