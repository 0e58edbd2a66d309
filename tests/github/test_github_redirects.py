"""GitHub's token goes to the server that it is meant for, and to no other that this one names."""

from __future__ import annotations

from contextlib import suppress

import pytest

from deploy_action.github.api import GitHubApi, GitHubUnavailable
from tests.slack.test_api import _Elsewhere


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("way", ["get", "post", "graphql"])
def test_a_token_does_not_follow_a_redirect(status: int, way: str) -> None:
    with _Elsewhere() as thief, _Elsewhere(f"{thief.url}/api/x", status) as server:
        api = GitHubApi("ghs_token", api_url=server.url, graphql_url=f"{server.url}/graphql", read_again=0)
        with suppress(GitHubUnavailable):
            answer = {
                "get": lambda: api.get("/repos/a/b"),
                "post": lambda: api.post("/repos/a/b", {}),
                "graphql": lambda: api.graphql("query {a}", {}),
            }[way]()
            assert answer.status == status
        assert len(server.seen) == 1
        assert "ghs_token" in server.seen[0]
        assert thief.seen == []
