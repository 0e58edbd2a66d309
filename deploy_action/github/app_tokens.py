"""The tokens of a GitHub App's installation, renewed before GitHub ends them.

Sources: GitHub's documentation, "Generating a JSON web token (JWT) for a GitHub App" and "Authenticating as a
GitHub App installation": a token lives one hour; the App's own one ten minutes at most, by GitHub's clock.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NoReturn

from deploy_action.github.api import GitHubApi, GitHubMisconfigured, GitHubUnavailable, their_time
from deploy_action.github.app_signature import CannotSign, app_jwt

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.github.api import Answer
    from deploy_action.github.app_key import AppKey

RENEW_SECONDS = 3000.0
"""So long a token is used: ten minutes less than it lives."""
TIMEOUT_SECONDS = 10


class InstallationTokens:
    """Called, it gives a token that is good for another ten minutes at least. For several threads.

    Raises GitHubUnavailable where GitHub does not answer, GitHubMisconfigured where it refuses the App.
    """

    def __init__(
        self,
        app: AppKey,
        repository: str,
        *,
        api_url: str,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`repository`: `owner/name`, by which the installation is found. `now`: unix seconds; GitHub's own
        date counts where it does not take what follows from that."""
        self._app = app
        self._repository = repository
        self._api_url = api_url
        self._now = now
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._behind_seconds = 0.0
        self._token = ""
        self._since = 0.0

    def __call__(self) -> str:
        with self._lock:
            if not self._token or self._monotonic() - self._since >= RENEW_SECONDS:
                began = self._monotonic()
                self._token = self._new_token()
                self._since = began
            return self._token

    def refused(self, token: str) -> None:
        """GitHub does not take that token any more: the next call gives another one."""
        with self._lock:
            if self._token == token:
                self._token = ""

    def _new_token(self) -> str:
        found = self._asked("GET", f"/repos/{self._repository}/installation")
        identity = found.body.get("id") if isinstance(found.body, dict) else None
        if not isinstance(identity, int):
            self._refuse(found)
        made = self._asked("POST", f"/app/installations/{identity}/access_tokens")
        token = made.body.get("token") if isinstance(made.body, dict) else None
        if not (isinstance(token, str) and token):
            self._refuse(made)
        return token

    def _asked(self, verb: str, path: str) -> Answer:
        answer = self._sent(verb, path)
        answered_at = their_time(answer.headers)
        if answer.status == 401 and answered_at is not None:
            # This machine's clock may be wrong.
            self._behind_seconds = answered_at - self._now()
            answer = self._sent(verb, path)
        if answer.status not in {200, 201}:
            self._refuse(answer)
        return answer

    def _sent(self, verb: str, path: str) -> Answer:
        try:
            now = self._now() + self._behind_seconds
            signed = app_jwt(self._app.app_id, self._app.private_key, now=now)
        except CannotSign as error:
            raise GitHubMisconfigured(
                f"Signing in as GitHub App {self._app.app_id} failed: {error}.",
                "Give the whole file that GitHub made (-----BEGIN RSA PRIVATE KEY-----) as "
                "`github-app-private-key`, and have openssl on the runner.",
            ) from error
        api = GitHubApi(signed, api_url=self._api_url, timeout=TIMEOUT_SECONDS, read_again=0, bearer=True)
        try:
            return api.get(path) if verb == "GET" else api.post(path, {})
        finally:
            api.close()

    def _refuse(self, answer: Answer) -> NoReturn:
        app = f"GitHub App {self._app.app_id}"
        if answer.status == 404:
            raise GitHubMisconfigured(
                f"{app} is not installed in {self._repository}.",
                "Install it there, with the permission Contents (read and write).",
            )
        if answer.status in {401, 403}:
            raise GitHubMisconfigured(
                f"GitHub does not know {app} by this key ({answer.status}: {answer.message[:200]}).",
                "Compare `github-app-id` with the App's page, and make a new private key there.",
            )
        raise GitHubUnavailable(f"GitHub answered {answer.status} when {app} asked for a token.", soon=False)
