"""Where the registry is, as the input `registry` names it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from deploy_action.github.server_addresses import api_url_of, graphql_url_of

GITHUB = "https://github.com"


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
