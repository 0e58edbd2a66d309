"""Where the registry is, as the input `registry` names it."""

from __future__ import annotations

import re
from dataclasses import dataclass

HOST_LENGTH_MAX = 253
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"


@dataclass(frozen=True, slots=True)
class RegistryAddress:
    """`kind` is github, s3, dynamodb or file; `place` a repository, bucket, table or path; `prefix` a branch
    or the prefix of a key. An empty repository is the job's own, an empty branch or prefix the usual one.
    `host`: of another GitHub than the job's own, in lower case, perhaps with a port.
    """

    kind: str
    place: str = ""
    prefix: str = ""
    host: str = ""

    @property
    def api_url(self) -> str:
        """Of GitHub's REST API at `host`: GitHub Enterprise Server has it below its own name, github.com and
        GitHub Enterprise Cloud with data residency (SUBDOMAIN.ghe.com) at `api.`."""
        if self._in_the_cloud:
            return f"https://api.{self.host}"
        return f"https://{self.host}/api/v3"

    @property
    def graphql_url(self) -> str:
        return f"{self.api_url}/graphql" if self._in_the_cloud else f"https://{self.host}/api/graphql"

    @property
    def _in_the_cloud(self) -> bool:
        return self.host == "github.com" or self.host.endswith(".ghe.com")


def parse_registry(text: str) -> RegistryAddress:
    """Parses the input `registry`; raises ValueError with a sentence for people."""
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


def _is_server(host: str) -> bool:
    """A name of one word is rather a typing error; with a port it is meant."""
    name, _, port = host.partition(":")
    spelled = re.fullmatch(rf"{_LABEL}(\.{_LABEL})*(:[0-9]{{1,5}})?", host)
    return bool(spelled) and len(name) <= HOST_LENGTH_MAX and bool(port or "." in name)


def _repository(text: str, repository: str, separator: str, branch: str) -> RegistryAddress:
    host, _, rest = repository.partition("/")
    if rest.count("/") == 1:
        repository = rest
        if not _is_server(host):
            raise ValueError(
                f"`{host}` in `{text}` is not the name of a GitHub server, such as github.example.com."
            )
        host = host.lower()
    else:
        host = ""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}", repository):
        raise ValueError(
            f"`{text}` must be github://owner/name, github://host/owner/name, or one of them and #branch."
        )
    if repository.endswith(".git"):
        raise ValueError(f"`{text}` ends in .git, which is no part of a repository's name.")
    if separator and (
        not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}", branch)
        or re.search(r"\.\.|//|/\.|[./]$|\.lock(/|$)", branch)
    ):
        if not branch:
            raise ValueError(f"after the # in `{text}` there is no branch.")
        raise ValueError(f"`{branch}` in `{text}` is not the name of a branch.")
    return RegistryAddress("github", repository, branch, host)
