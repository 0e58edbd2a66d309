"""One way to talk to GitHub's REST and GraphQL APIs: bounded, without hidden retries, errors told apart."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, cast
from urllib.parse import urlsplit

from deploy_action.common.fault_classes import FaultClass, fault_of, proxy_for, through_proxy
from deploy_action.common.retry import ask_again, bounded, retry_after
from deploy_action.github.request_budget import RequestBudget

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from github.Requester import HTTPSRequestsConnectionClass, Requester, RequestsResponse

API_URL = "https://api.github.com"
GRAPHQL_URL = "https://api.github.com/graphql"
_OF_A_PROXY = {200, 302, 307, 401, 403, 407, 451, 511}
SECONDARY_LIMIT_SECONDS = 60.0
"""The pause that GitHub's documentation asks for where an answer about a limit names none."""


class GitHubUnavailable(Exception):
    """GitHub gave no usable answer: no connection, time-out, 5xx or rate limit. One sentence says which.

    A request that writes may still have taken effect. `soon`: asking again within seconds may help.
    `retry_seconds`: for how long GitHub asks to be left alone, 0 to 3600; None where it did not say.
    """

    def __init__(self, sentence: str, *, soon: bool, retry_seconds: float | None = None) -> None:
        super().__init__(sentence)
        self.soon = soon
        self.retry_seconds = retry_seconds


class GitHubMisconfigured(GitHubUnavailable):
    """Settings of this machine or job keep every request from GitHub; `remedy` says what to change."""

    def __init__(self, sentence: str, remedy: str) -> None:
        super().__init__(sentence, soon=False)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Answer:
    """GitHub's answer, below 500 and not a rate limit. `body` is parsed JSON, None where it was empty."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def message(self) -> str:
        """GitHub's own words for a refusal; empty where there are none."""
        message = self.body.get("message") if isinstance(self.body, dict) else None
        return message if isinstance(message, str) else ""


class TokenSource(Protocol):
    """Gives the token for the next request."""

    def __call__(self) -> str:
        """Raises GitHubUnavailable."""
        ...

    def refused(self, token: str) -> None:
        """GitHub answered 401 to it."""
        ...


class GitHubApi:
    """PyGithub's HTTP client with its retries, pauses and redirects turned off.

    Every request ends within about `timeout` seconds for the connection plus as much for each silence of the
    server. Reads are repeated for at most `read_again` seconds; writes never. Proxies and private CAs come
    from the usual variables of `requests`. Do not share one object between threads.
    """

    def __init__(
        self,
        token: str | TokenSource,
        *,
        api_url: str = API_URL,
        graphql_url: str = GRAPHQL_URL,
        timeout: int = 10,
        read_again: float = 4.0,
        bearer: bool = False,
    ) -> None:
        """`bearer`: the token is an App's own."""
        self._source = None if isinstance(token, str) else token
        self._token = token if isinstance(token, str) else ""
        self._bearer = bearer
        self._api_url = api_url
        self._graphql_url = graphql_url
        self._timeout = timeout
        self._read_again = read_again
        self._requesters: dict[str, tuple[Requester, _Connection]] = {}
        self.budget = RequestBudget()
        """Of the REST API's requests."""

    @property
    def url(self) -> str:
        """Of the REST API."""
        return self._api_url

    @property
    def host(self) -> str:
        return urlsplit(self._api_url).netloc

    def get(self, path: str, *, etag: str | None = None) -> Answer:
        """GET `path` (`/repos/...`). With `etag`, an unchanged resource is answered 304 and costs nothing."""
        conditions = {"If-None-Match": etag} if etag else {}
        return ask_again(
            lambda: self._send("GET", self._api_url, path, headers=conditions),
            on=GitHubUnavailable,
            give_up=lambda error: not (isinstance(error, GitHubUnavailable) and error.soon),
            seconds=self._read_again,
        )

    def post(self, path: str, body: dict[str, object]) -> Answer:
        return self._send("POST", self._api_url, path, body=body)

    def patch(self, path: str, body: dict[str, object]) -> Answer:
        return self._send("PATCH", self._api_url, path, body=body)

    def delete(self, path: str) -> Answer:
        return self._send("DELETE", self._api_url, path)

    def graphql(self, query: str, variables: dict[str, object]) -> Answer:
        """One GraphQL request. Errors in its body are the caller's to read; a rate limit is raised."""
        parts = urlsplit(self._graphql_url)
        answer = self._send(
            "POST",
            f"{parts.scheme}://{parts.netloc}",
            parts.path,
            body={"query": query, "variables": variables},
        )
        if any(error.get("type") == "RATE_LIMITED" for error in graphql_errors(answer)):
            _raise_rate_limit(answer)
        return answer

    def close(self) -> None:
        for requester, connection in self._requesters.values():
            requester.close()
            connection.close()
        self._requesters.clear()

    def _send(
        self,
        verb: str,
        base_url: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        body: dict[str, object] | None = None,
    ) -> Answer:
        """With the token of this moment; one that GitHub ended is replaced: a 401 changed nothing."""
        if self._source is None:
            return self._once(verb, base_url, path, headers=headers, body=body)
        self._use(self._source())
        answer = self._once(verb, base_url, path, headers=headers, body=body)
        if answer.status == 401:
            self._source.refused(self._token)
            self._use(self._source())
            answer = self._once(verb, base_url, path, headers=headers, body=body)
        return answer

    def _use(self, token: str) -> None:
        if token != self._token:
            self.close()
            self._token = token

    def _once(
        self,
        verb: str,
        base_url: str,
        path: str,
        *,
        headers: dict[str, str] | None,
        body: dict[str, object] | None,
    ) -> Answer:
        import requests

        requester, connection = self._requester(base_url)
        try:
            status, received, text = requester.requestJson(
                verb,
                path,
                headers=dict(headers or {}),
                input=body,
                cnx=cast("HTTPSRequestsConnectionClass", connection),
            )
        except _PyGithubWouldGoOn as final:
            status, received, text = final.status, final.headers, ""
        except (requests.RequestException, OSError) as error:
            fault = fault_of(error, url=base_url, environ=os.environ)
            if fault.kind is FaultClass.CONFIGURATION:
                raise GitHubMisconfigured(
                    f"{base_url} cannot be asked: {fault.what}.", fault.remedy
                ) from error
            raise GitHubUnavailable(
                f"{urlsplit(base_url).netloc} gave no answer{through_proxy(base_url, os.environ)} "
                f"({type(error).__name__}).",
                soon=True,
            ) from error
        except (ValueError, OverflowError) as error:  # such as rate limits that are no numbers
            raise GitHubUnavailable(
                f"{urlsplit(base_url).netloc} could not be asked or understood ({error}).", soon=True
            ) from error
        answer = Answer(status, received, _parsed(text))
        self._observe_budget(received)
        if answer.body is None and status in _OF_A_PROXY and "html" in received.get("content-type", ""):
            proxy = proxy_for(base_url, os.environ) or "between here and there"
            raise GitHubMisconfigured(
                f"{base_url} cannot be asked: the proxy {proxy} answers {status} with a page of its own: "
                f"{_first_words(text)}.",
                "Ask for the host to be allowed on the proxy (docs/enterprise.md).",
            )
        if status >= 500 or status == 202:
            pause = retry_after(received)
            raise GitHubUnavailable(
                f"{urlsplit(base_url).netloc} answered {status}.", soon=not pause, retry_seconds=pause
            )
        if _is_rate_limit(answer):
            _raise_rate_limit(answer)
        return answer

    def _observe_budget(self, headers: Mapping[str, str]) -> None:
        """Every answer of GitHub names the budget; GHES without limits does not."""
        told = [headers.get(f"x-ratelimit-{name}", "") for name in ("limit", "remaining")]
        left = _until_reset(headers)
        if headers.get("x-ratelimit-resource", "core") != "core" or left is None:
            return
        if all(text.isdecimal() and len(text) < 10 for text in told):
            budget = self.budget
            budget.limit, budget.remaining, budget.left_seconds = int(told[0]), int(told[1]), left

    def _requester(self, base_url: str) -> tuple[Requester, _Connection]:
        known = self._requesters.get(base_url)
        if known is None:
            github = _pygithub()
            auth = github.Auth.AppAuthToken if self._bearer else github.Auth.Token
            requester = github.Github(
                auth=auth(self._token),
                base_url=base_url,
                timeout=self._timeout,
                retry=None,
                seconds_between_requests=0,
                seconds_between_writes=0,
                user_agent="deploy-coordinator",
            ).requester
            known = self._requesters[base_url] = requester, _Connection(base_url, self._timeout)
        return known


def _pygithub() -> ModuleType:
    """PyGithub without cryptography, as in the image: it signs in as an App by it, and a token needs none. It
    would be a quarter of what the import costs."""
    missing = "cryptography"
    first = missing not in sys.modules
    if first:
        sys.modules[missing] = None  # type: ignore[assignment]
    try:
        import github
    finally:
        if first:
            del sys.modules[missing]
    return github


class _PyGithubWouldGoOn(Exception):
    def __init__(self, response: RequestsResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}


class _Connection:
    """PyGithub's own, but without its habits to ask for ever while the answer is 202, and to follow a 301
    without the query: what was asked of one commit would be answered from the default branch."""

    def __init__(self, base_url: str, timeout: int) -> None:
        from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass

        parts = urlsplit(base_url)
        kind = HTTPSRequestsConnectionClass if parts.scheme == "https" else HTTPRequestsConnectionClass
        self._connection = kind(parts.hostname or "", parts.port, timeout=timeout)
        if parts.scheme == "https":
            from deploy_action.github.tls_adapter import TlsAdapter

            self._connection.session.mount("https://", TlsAdapter())
        self.request = self._connection.request
        self.close = self._connection.close

    def getresponse(self) -> RequestsResponse:
        response = self._connection.getresponse()
        if response.status in {202, 301}:
            raise _PyGithubWouldGoOn(response)
        return response


def graphql_errors(answer: Answer) -> list[dict[str, Any]]:
    """The errors of a GraphQL answer; empty for success."""
    errors = answer.body.get("errors") if isinstance(answer.body, dict) else None
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def _first_words(page: str) -> str:
    """Of an HTML page, as text."""
    text = re.sub(r"(?is)<(script|style).*?</\1>|<[^>]*>", " ", page[:20_000])
    return " ".join(text.split())[:160].rstrip(".") or "without a word"


def _parsed(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None  # an HTML page of a proxy


def _is_rate_limit(answer: Answer) -> bool:
    if answer.status == 429:
        return True
    if answer.status != 403:
        return False
    return (
        "retry-after" in answer.headers
        or answer.headers.get("x-ratelimit-remaining") == "0"
        or "rate limit" in answer.message.lower()
    )


def _raise_rate_limit(answer: Answer) -> NoReturn:
    pause = _pause(answer.headers)
    raise GitHubUnavailable(
        f"The rate limit of this token is used up. GitHub asks to wait {pause:.0f} s.",
        soon=False,
        retry_seconds=pause,
    )


def _pause(headers: Mapping[str, str]) -> float:
    """Seconds until the limit is lifted, by the clock of GitHub alone: that of this machine may be wrong."""
    asked = retry_after(headers)
    if asked is not None:
        return asked
    left = _until_reset(headers) if headers.get("x-ratelimit-remaining", "0") == "0" else None
    return SECONDARY_LIMIT_SECONDS if left is None else bounded(left)


def _until_reset(headers: Mapping[str, str]) -> float | None:
    """Seconds until the budget is whole again, by GitHub's clock; None where the answer does not say."""
    reset = headers.get("x-ratelimit-reset", "")
    if not (reset.isdecimal() and len(reset) < 12):
        return None
    date = their_time(headers)
    return None if date is None else float(reset) - date


def their_time(headers: Mapping[str, str]) -> float | None:
    """Unix seconds of GitHub's clock when it answered; None where the answer does not say."""
    try:
        date = datetime.strptime(f"{headers.get('date')} +0000", "%a, %d %b %Y %H:%M:%S GMT %z")
    except ValueError:
        return None
    return date.timestamp()
