"""A GitHub to test against: the REST and GraphQL calls the product uses, over real HTTP."""

from __future__ import annotations

import hashlib
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from tests.fakes.github import deployments as _deployments  # noqa: F401 - it registers its routes
from tests.fakes.github import graphql, rest
from tests.fakes.github.state import State
from tests.fakes.http import FakeServer, Fault, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.fakes.github.objects import Repository


class GitHubServer(FakeServer):
    """Holds `repositories`, each with one commit on `main`, and knows one token, `token`.

    Answers at the root as api.github.com does, and under `/api/v3` and `/api/graphql` as GHES does. What it
    answers has the shape of the official description; what it refuses, GitHub's words where they are known.
    `state` may be read and changed freely. It counts as GitHub does: a 304 costs nothing (`cost`).
    """

    def __init__(
        self,
        port: int = 0,
        *,
        now: Callable[[], float] = time.time,
        repositories: Sequence[str] = ("org/app",),
    ) -> None:
        super().__init__(port)
        self.state = State(now=now)
        self.cost = 0
        for name in repositories:
            self.state.add_repository(name)

    @property
    def graphql_url(self) -> str:
        return f"{self.url}/graphql"

    @property
    def repository(self) -> Repository:
        """The first repository."""
        return next(iter(self.state.repositories.values()))

    def limit_rate(
        self, match: str = "", *, secondary: bool = False, status: int = 403, seconds: int = 60
    ) -> Fault:
        """Answer matching requests as GitHub does when a limit is used up, until the fault is cleared."""
        now = int(self.state.now())
        limits = {
            "date": formatdate(now, usegmt=True),
            "x-ratelimit-limit": "1000",
            "x-ratelimit-reset": str(now + seconds),
        }
        if secondary:
            message = (
                "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
            )
            headers = limits | {"retry-after": str(seconds), "x-ratelimit-remaining": "900"}
        else:
            message = "API rate limit exceeded for installation."
            headers = limits | {"x-ratelimit-remaining": "0"}
        refusal = rest.refusal(status, message)
        return self.fail(match, status=status, headers=headers, body=refusal.body, times=None)

    @property
    def deployments(self) -> list[dict[str, Any]]:
        """Of the first repository, the oldest first, each with its `statuses`."""
        return [row for name, row in self.state.deployments if name == self.repository.name]

    def respond(self, request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        self.cost += 1
        if scheme.lower() not in {"token", "bearer"} or token not in self.state.tokens:
            return rest.refusal(401, "Bad credentials")
        if request.path in {"/graphql", "/api/graphql"}:
            return graphql.respond(request, self.state, token)
        base = f"{self.url}/api/v3" if request.path.startswith("/api/v3/") else self.url
        path = request.path.removeprefix("/api/v3")
        return self._conditional(request, rest.respond(request, path, base, self.state, token))

    def _conditional(self, request: Request, response: Response) -> Response:
        if request.method != "GET" or response.status != 200:
            return response
        etag = f'W/"{hashlib.sha256(response.encoded()[0]).hexdigest()}"'
        if request.headers.get("if-none-match") == etag:
            self.cost -= 1
            return Response(304, headers={"etag": etag})
        return Response(200, response.body, {"etag": etag})

    def testground(self, request: Request, what: str) -> Response | None:
        """`POST repositories|jobs|runs|rules|tokens|lag`: the same state over HTTP, for other processes."""
        given: dict[str, Any] = request.json
        name = given.pop("repository", self.repository.name)
        match (request.method, what):
            case ("POST", "repositories"):
                self.state.add_repository(name, empty=bool(given.get("empty")))
            case ("POST", "jobs"):
                self.state.jobs[name, int(given["id"])] = given
            case ("POST", "runs"):
                self.state.runs[name, int(given["id"])] = given
            case ("POST", "groups"):
                self.state.groups[name, str(given["group"])] = [int(member) for member in given["runs"]]
            case ("POST", "rules"):
                self.state.rules.append((str(given["branch"]), str(given["forbids"])))
            case ("POST", "tokens"):
                self.state.tokens[str(given["token"])] = dict(given["permissions"])
            case ("POST", "lag"):
                self.state.lag = float(given["seconds"])
            case _:
                return None
        return Response(201, {})
