"""Facts that a shell in a clone knows: its repository, its GitHub, a token, and who sits there."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from deploy_action.github.server_addresses import api_url_of, graphql_url_of, host_of, in_the_cloud

if TYPE_CHECKING:
    from collections.abc import Mapping

_REMOTE = re.compile(
    r"(?:(?:https?|ssh|git)://(?:[^/@\s]+@)?(?P<host>[\w.-]+)(?::\d+)?/|(?:[^/@\s]+@)?(?P<scp>[\w.-]+):)"
    r"(?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?/?"
)
GITHUB = "github.com"
VARIABLE = "DEPLOY_COORDINATOR_REGISTRY_TOKEN"
SERVER, API, HOST = "GITHUB_SERVER_URL", "GITHUB_API_URL", "GH_HOST"
TOKENS = ("GH_TOKEN", "GITHUB_TOKEN")
TOKENS_OF_A_COMPANY = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
"""For a GitHub Enterprise Server, as `gh` reads them."""
TOKENS_OF_GH = frozenset(TOKENS + TOKENS_OF_A_COMPANY)
"""Variables that `gh` answers with before what it keeps, whichever GitHub they are for."""
SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository on a GitHub: `github.com` or a company's own, by host; OWNER/NAME."""

    host: str
    name: str

    @property
    def variables(self) -> dict[str, str]:
        """As a job of it has them."""
        if self.host == GITHUB:
            return {"GITHUB_REPOSITORY": self.name}
        return {"GITHUB_REPOSITORY": self.name, **_addresses_of(self.host)}


def parse_remote(url: str) -> Remote | None:
    """None for what is no address of a repository on a server, such as a folder."""
    found = _REMOTE.fullmatch(url.strip())
    if found is None:
        return None
    host = (found["host"] or found["scp"]).lower()
    return Remote(GITHUB if host in {GITHUB, "ssh.github.com", "www.github.com"} else host, found["name"])


@cache
def remote() -> Remote | None:
    """Of the clone that this shell stands in: where its branch is pushed, else `origin`, else its only one.
    None outside of a clone."""
    branch = _asked("git", "symbolic-ref", "--short", "-q", "HEAD")
    names = _asked("git", "remote").split()
    upstream = _asked("git", "config", f"branch.{branch}.remote") if branch else ""
    for name in (upstream, "origin", names[0] if len(names) == 1 else ""):
        if name in names and (found := parse_remote(_asked("git", "remote", "get-url", name))):
            return found
    return None


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of GitHub as a job has them; those that are set count, else the clone tells. A server
    that is set takes no address of another one from the clone."""
    known = None if environ.get("GITHUB_REPOSITORY") else remote()
    told = {} if known is None else known.variables
    server, api = environ.get(SERVER), environ.get(API)
    if server and not api:
        told |= _addresses_of(host_of(server))
    elif api and known is not None and host_of(api) != known.host:
        told = {"GITHUB_REPOSITORY": known.name}
    return {name: text for name, text in told.items() if not environ.get(name)}


def host_asked(environ: Mapping[str, str]) -> str:
    """The GitHub that `environ`, completed by `environment`, is about."""
    return host_of({**environ, **environment(environ)}.get(API) or GITHUB)


def github_token(environ: Mapping[str, str]) -> str:
    """For `host_asked`; empty where there is none. $GH_TOKEN and $GITHUB_TOKEN are for GitHub's own cloud,
    and for a server that a variable names: the remote of a clone may be anybody's."""
    host = host_asked(environ)
    names: tuple[str, ...] = () if in_the_cloud(host) else TOKENS_OF_A_COMPANY
    if _is_trusted(host, environ):
        names += TOKENS
    return next((text for name in names if (text := environ.get(name))), "") or kept_by_gh(host)


def registry_token(environ: Mapping[str, str], host: str) -> str:
    """$DEPLOY_COORDINATOR_REGISTRY_TOKEN, else the one that `gh` keeps for `host`, which the registry's
    address names. Where that is empty, the registry is on the clone's own GitHub, whose token is
    `github_token`: then the variable counts as $GH_TOKEN does. Empty where there is none."""
    if host:
        return environ.get(VARIABLE) or kept_by_gh(host)
    return environ.get(VARIABLE, "") if _is_trusted(host_asked(environ), environ) else ""


@cache
def kept_by_gh(host: str) -> str:
    """The token that `gh` was logged in with there; no variable counts, since it may be another server's."""
    return _asked("gh", "auth", "token", "--hostname", host, without=TOKENS_OF_GH)


def _is_trusted(host: str, environ: Mapping[str, str]) -> bool:
    """With a token that does not say which server it is of."""
    return in_the_cloud(host) or host in {host_of(environ.get(name, "")) for name in (SERVER, API, HOST)}


def _addresses_of(host: str) -> dict[str, str]:
    return {
        "GITHUB_SERVER_URL": f"https://{host}",
        "GITHUB_API_URL": api_url_of(host),
        "GITHUB_GRAPHQL_URL": graphql_url_of(host),
    }


def top_folder() -> str:
    """Of the clone; empty outside of one."""
    return _asked("git", "rev-parse", "--show-toplevel")


def uncommitted() -> bool:
    """Whether the clone has changes that are in no commit."""
    return bool(_asked("git", "status", "--porcelain", "--untracked-files=no"))


def _asked(*words: str, without: frozenset[str] = frozenset()) -> str:
    """The answer of the tool; empty where it is not there, fails, or takes too long."""
    known = {name: text for name, text in os.environ.items() if name not in without}
    try:
        done = subprocess.run(
            words,
            capture_output=True,
            check=False,
            text=True,
            errors="replace",
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
            env={**known, "GIT_TERMINAL_PROMPT": "0", "GH_PROMPT_DISABLED": "1"},
        )
    except (OSError, subprocess.SubprocessError, ValueError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
