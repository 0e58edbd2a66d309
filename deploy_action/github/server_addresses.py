"""The APIs of a GitHub by its host, and addresses of branches there."""

from __future__ import annotations

import re

HOST_LENGTH_MAX = 253
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"


def api_url_of(host: str) -> str:
    """Of the REST API: GitHub Enterprise Server has it below its own name, github.com and GitHub Enterprise
    Cloud with data residency (SUBDOMAIN.ghe.com) at `api.`."""
    return f"https://api.{host}" if in_the_cloud(host) else f"https://{host}/api/v3"


def graphql_url_of(host: str) -> str:
    return f"{api_url_of(host)}/graphql" if in_the_cloud(host) else f"https://{host}/api/graphql"


def host_of(address: str) -> str:
    """The host, and its port where one is given, by the address of a GitHub, of its API, or by that host
    itself; empty for no address."""
    host = re.split(r"[/?#\\]", address.strip().rpartition("://")[2])[0].rpartition("@")[2].lower()
    without = host.removeprefix("api.")
    return without if in_the_cloud(without) else host


def in_the_cloud(host: str) -> bool:
    """GitHub runs it itself."""
    return host == "github.com" or host.endswith(".ghe.com")


def parse_branch_address(text: str) -> tuple[str, str, str]:
    """Host (empty: the own GitHub), repository and branch (empty: the usual one) of `github://owner/name`,
    `github://host/owner/name`, or one of them and `#branch`. Raises ValueError with a sentence for people."""
    repository, separator, branch = text.partition("://")[2].partition("#")
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
    return host, repository, branch


def _is_server(host: str) -> bool:
    """A name of one word is rather a typing error; with a port it is meant."""
    name, _, port = host.partition(":")
    spelled = re.fullmatch(rf"{_LABEL}(\.{_LABEL})*(:[0-9]{{1,5}})?", host)
    return bool(spelled) and len(name) <= HOST_LENGTH_MAX and bool(port or "." in name)
