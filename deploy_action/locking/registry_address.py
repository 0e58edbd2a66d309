"""Where the registry is, as the input `registry` names it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlsplit

from deploy_action.github.server_addresses import api_url_of, graphql_url_of

GITHUB = "https://github.com"
HOST_LENGTH_MAX = 253
_REGION = re.compile(r"[a-z]{2,5}(-[a-z]{2,12}){1,3}-[0-9]{1,2}")
_ROLE = re.compile(r"arn:[a-z-]+:iam::[0-9]{12}:role/[\w+=,.@/-]{1,512}")
_ARN = re.compile(
    r"(?P<table>arn:[a-z-]+:dynamodb:(?P<region>[a-z0-9-]+):[0-9]{12}:table/[A-Za-z0-9._-]{3,255})(?P<key>/.*)?"
    r"|arn:[a-z-]+:s3:::(?P<bucket>[A-Za-z0-9._-]{3,63})(?P<prefix>/.*)?"
)
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"


@dataclass(frozen=True, slots=True)
class RegistryAddress:
    """`kind` is github, s3, dynamodb or file; `place` a repository, bucket, table or path; `prefix` a branch
    or the prefix of a key. An empty repository is the job's own, an empty branch or prefix the usual one.
    `host`: of another GitHub than the job's own, in lower case, perhaps with a port. `region` and `role`:
    where a store in AWS is, and the ARN of the role by which it is used; empty where they are the job's own.
    """

    kind: str
    place: str = ""
    prefix: str = ""
    host: str = ""
    region: str = ""
    role: str = ""

    @property
    def api_url(self) -> str:
        """Of GitHub's REST API at `host`."""
        return api_url_of(self.host)

    @property
    def graphql_url(self) -> str:
        return graphql_url_of(self.host)

    @property
    def server_url(self) -> str:
        """Of the pages of GitHub at `host`."""
        return f"https://{self.host}"

    def seen_from(self, server_url: str) -> RegistryAddress:
        """The same for a job of that GitHub (empty: github.com), whose own host need not be named."""
        own = urlsplit(server_url or GITHUB).netloc.lower()
        return replace(self, host="") if self.host == own else self


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
    if (separator and kind in {"s3", "dynamodb"}) or text.startswith("arn:"):
        found = _in_aws(kind if separator else "", rest if separator else text)
        if found is not None:
            return found
    raise ValueError(
        f"`{text}` is none of github, github://owner/name#branch, s3://bucket/prefix, dynamodb://table, "
        "file:///path."
    )


def _in_aws(kind: str, text: str) -> RegistryAddress | None:
    """`TABLE`, `BUCKET/PREFIX` or an ARN of one of them, and `?region=…&role=…`. `kind` is empty where only
    an ARN can tell it. None for what is none of them; raises ValueError where a part is wrong."""
    text, question, query = text.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    if question and not (options and options.keys() <= {"region", "role"}):
        raise ValueError(f"after the ? in `{text}?{query}` stands something else than region=… or role=….")
    region, role = options.get("region", ""), options.get("role", "")
    if region and not _REGION.fullmatch(region):
        raise ValueError(f"`{region}` is not the name of a region, such as eu-west-1.")
    if role and not _ROLE.fullmatch(role):
        raise ValueError(f"`{role}` is not a role's ARN, such as arn:aws:iam::123456789012:role/NAME.")
    arn = _ARN.fullmatch(text)
    if arn is not None:
        service = "dynamodb" if arn["table"] else "s3"
        if kind not in {"", service}:
            return None
        if arn["region"] and region not in {"", arn["region"]}:
            raise ValueError(f"`{text}` is in {arn['region']}, and `region={region}` says otherwise.")
        # DynamoDB takes a table's whole ARN in the place of its name, also of another account's.
        place = arn["table"] or arn["bucket"]
        prefix = (arn["key"] or arn["prefix"] or "").strip("/")
        return RegistryAddress(service, place, prefix, region=arn["region"] or region, role=role)
    place, _, prefix = text.partition("/")
    if not kind or not re.fullmatch(r"[A-Za-z0-9._-]{3,255}", place):
        return None
    return RegistryAddress(kind, place, prefix.strip("/"), region=region, role=role)


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
