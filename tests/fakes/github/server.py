"""A GitHub to test against: the REST and GraphQL calls the product uses, over real HTTP."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from tests.fakes.github import deployments as _deployments  # noqa: F401 - it registers its routes
from tests.fakes.github import graphql, rest
from tests.fakes.github import pulls as _pulls  # noqa: F401 - likewise
from tests.fakes.github.state import State
from tests.fakes.http import FakeServer, Fault, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.fakes.github.apps import GitHubApp
    from tests.fakes.github.objects import Repository


@dataclass
class Limits:
    """What one token may send, as GitHub documents it; a 304 is not counted. A secondary limit names 60 s."""

    content_a_minute: int = 80
    content_an_hour: int = 500
    requests_an_hour: int = 1000
    sent: list[tuple[float, bool]] = field(default_factory=list)
    """Unix seconds, and whether it created content."""

    def pause_seconds(self, now: float, *, content: bool) -> tuple[int, bool] | None:
        """For how long GitHub refuses a request, and whether by a secondary limit; None where it does not."""
        self.sent = [(at, was) for at, was in self.sent if at > now - 3600]
        if len(self.sent) >= self.requests_an_hour:
            return int(self.sent[0][0] + 3600 - now) + 1, False
        created = [at for at, was in self.sent if was]
        minute = sum(at > now - 60 for at in created)
        if content and (minute >= self.content_a_minute or len(created) >= self.content_an_hour):
            return 60, True
        return None


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
        self.limits: Limits | None = None
        self.app: GitHubApp | None = None
        self.refused = 0
        """How many requests the limits refused."""
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
        status, headers, body = self._used_up(secondary=secondary, status=status, seconds=seconds)
        return self.fail(match, status=status, headers=headers, body=body, times=None)

    def enforce_limits(self, limits: Limits | None = None) -> None:
        """From now on, refuse what GitHub's documented limits refuse."""
        self.limits = limits or Limits()

    def _limited(self, request: Request) -> Response | None:
        if self.limits is None:
            return None
        now, content = self.state.now(), request.method in {"POST", "PUT", "PATCH", "DELETE"}
        pause = self.limits.pause_seconds(now, content=content)
        if pause is None:
            self.limits.sent.append((now, content))
            return None
        seconds, secondary = pause
        self.refused += 1
        status, headers, body = self._used_up(secondary=secondary, status=403, seconds=seconds)
        return Response(status, body, headers)

    def _used_up(self, *, secondary: bool, status: int, seconds: int) -> tuple[int, dict[str, str], Any]:
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
        return status, headers, rest.refusal(status, message).body

    @property
    def deployments(self) -> list[dict[str, Any]]:
        """Of the first repository, the oldest first, each with its `statuses`."""
        return [row for name, row in self.state.deployments if name == self.repository.name]

    def respond(self, request: Request) -> Response:
        self.cost += 1
        if limited := self._limited(request):
            return limited
        response = self._answer(request)
        if self.limits is None:
            return response
        return Response(response.status, response.body, {**response.headers, **self._budget(request)})

    def _budget(self, request: Request) -> dict[str, str]:
        """As on each answer of GitHub."""
        now, limits = self.state.now(), self.limits or Limits()
        began = limits.sent[0][0] if limits.sent else now
        return {
            "date": formatdate(now, usegmt=True),
            "x-ratelimit-limit": str(limits.requests_an_hour),
            "x-ratelimit-remaining": str(limits.requests_an_hour - len(limits.sent)),
            "x-ratelimit-reset": str(int(began + 3600)),
            "x-ratelimit-resource": "graphql" if request.path.endswith("/graphql") else "core",
        }

    def _answer(self, request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if self.app is not None:
            answer = self._as_app(self.app, request, scheme, token)
            if answer is not None:
                return answer
        if scheme.lower() not in {"token", "bearer"} or token not in self.state.tokens:
            return rest.refusal(401, "Bad credentials")
        if request.path in {"/graphql", "/api/graphql"}:
            return graphql.respond(request, self.state, token)
        base = f"{self.url}/api/v3" if request.path.startswith("/api/v3/") else self.url
        path = request.path.removeprefix("/api/v3")
        return self._conditional(request, rest.respond(request, path, base, self.state, token))

    def _as_app(self, app: GitHubApp, request: Request, scheme: str, token: str) -> Response | None:
        """None where an App has no say in it. Its tokens are known until they end."""
        now = self.state.now()
        bearer = token if scheme.lower() == "bearer" else ""
        answer = app.respond(request.method, request.path.removeprefix("/api/v3"), bearer, now)
        if answer is not None:
            date = {"date": formatdate(now, usegmt=True)}
            return Response(answer.status, answer.body, {**answer.headers, **date})
        for known in app.tokens:
            self.state.tokens[known] = dict(app.permissions)
            self.state.reach[known] = set(app.installed)
            if app.ended(known, now):
                del self.state.tokens[known]
        return None

    def _conditional(self, request: Request, response: Response) -> Response:
        if request.method != "GET" or response.status != 200:
            return response
        etag = f'W/"{hashlib.sha256(response.encoded()[0]).hexdigest()}"'
        if request.headers.get("if-none-match") == etag:
            self.cost -= 1
            if self.limits is not None:
                self.limits.sent.pop()
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
            case ("POST", "pulls"):
                self.state.pulls.append(given)
            case ("POST", "lag"):
                self.state.lag = float(given["seconds"])
            case _:
                return None
        return Response(201, {})
