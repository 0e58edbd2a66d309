"""The APIs of a GitHub by its host."""

from __future__ import annotations


def api_url_of(host: str) -> str:
    """Of the REST API: GitHub Enterprise Server has it below its own name, github.com and GitHub Enterprise
    Cloud with data residency (SUBDOMAIN.ghe.com) at `api.`."""
    return f"https://api.{host}" if _in_the_cloud(host) else f"https://{host}/api/v3"


def graphql_url_of(host: str) -> str:
    return f"{api_url_of(host)}/graphql" if _in_the_cloud(host) else f"https://{host}/api/graphql"


def _in_the_cloud(host: str) -> bool:
    return host == "github.com" or host.endswith(".ghe.com")
