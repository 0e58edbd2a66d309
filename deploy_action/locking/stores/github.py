"""The registry on a branch of the repository: nothing to set up, and git history is the audit log."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

from deploy_action.errors import (
    RegistryConflict,
    RegistryError,
    RegistryForbidden,
    RegistryMisconfigured,
    RegistryUnavailable,
)
from deploy_action.github.api import (
    API_URL,
    GRAPHQL_URL,
    GitHubApi,
    GitHubMisconfigured,
    GitHubUnavailable,
    graphql_errors,
)
from deploy_action.github.server_addresses import parse_branch_address
from deploy_action.locking.heads import is_head
from deploy_action.locking.ports import NO_FILES, Snapshot
from deploy_action.locking.registry_address import RegistryAddress
from deploy_action.locking.store import DOCUMENT, Store
from deploy_action.locking.stores import github_refusals as refusals
from deploy_action.locking.stores.github_answers import content_of, new_name, sha_at, text_at, tree_of
from deploy_action.locking.stores.github_branch import CREATE_COMMIT, SKIP_CI, BranchSquash

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deploy_action.github.api import Answer, TokenSource
    from deploy_action.locking.store import Opening

ABSENT = "no branch yet"
BRANCH = "deploy-registry"

_MOVED = frozenset({301, 302, 307, 308})


class GitHubRegistry:
    """`ports.Registry` on an orphan branch. The version is the commit at the head of the branch.
    A swap is one `createCommitOnBranch` with `expectedHeadOid`: GitHub itself compares and swaps. The first
    swap creates the branch with a commit that has no parent. Reading an unchanged branch is a conditional
    request that costs no rate limit, reading a changed one takes two. Further documents are files in the same
    folder and part of the same commit. Needs `contents: write`. A branch that has grown long is squashed
    (`BranchSquash`).

    Not guaranteed: that a read shows the newest commit at once; GitHub's reads may lag by tens of seconds.
    """

    heads = heads_in_one_write = True

    def __init__(
        self,
        token: str | TokenSource,
        repository: str,
        *,
        branch: str = BRANCH,
        path: str = f".deployment-registry/{DOCUMENT}",
        api_url: str = API_URL,
        graphql_url: str = GRAPHQL_URL,
        timeout: int = 10,
        read_again: float = 4.0,
        elsewhere: bool = False,
        host: str = "",
    ) -> None:
        """`repository` is `owner/name`; `timeout` and `read_again` are seconds, see `GitHubApi`.

        `elsewhere`: it is not the job's own repository, so the job's `permissions:` have no say in it.
        `host`: of the GitHub that it is on, where that is not the job's own.
        """
        self._api = GitHubApi(
            token, api_url=api_url, graphql_url=graphql_url, timeout=timeout, read_again=read_again
        )
        self.budget = self._api.budget
        self._squash = BranchSquash(self._api, branch)
        self._repository = repository
        self._branch = branch
        self._path = path
        self._elsewhere = elsewhere
        self._host = host
        self._head: tuple[str, str | None] | None = None  # commit and ETag of the last answer
        self._seen: Snapshot | None = None  # a commit never changes, so neither does its document
        self._heads: dict[str, tuple[str | None, bytes | None]] = {}  # ETag and content of the last answer
        self._repository_exists = False
        self.advice = ""

    @property
    def location(self) -> str:
        return f"branch {self._branch} of {f'{self._host}/' if self._host else ''}{self._repository}"

    def close(self) -> None:
        """Close connections. The registry may be used again."""
        self._api.close()

    def read(self) -> Snapshot:
        try:
            head = self._read_head()
            if head is None:
                return Snapshot(None, ABSENT)
            if self._seen is None or self._seen.version != head:
                self._seen = Snapshot(self._read_document(self._path, head), head)
            return self._seen
        except GitHubUnavailable as error:
            raise self._unread(error) from error

    def read_file(self, name: str, version: str) -> bytes | None:
        """See `ports.Registry`. Every version ever written can be asked for."""
        if version == ABSENT:
            return None
        try:
            return self._read_document(self._beside(name), version)
        except GitHubUnavailable as error:
            raise self._unread(error) from error

    def read_head(self, name: str) -> bytes | None:
        """As the branch has it: a commit that changed other files only is no news, and costs nothing."""
        etag, content = self._heads.get(name, (None, None))
        try:
            path = self._at(f"contents/{quote(self._beside(name))}?ref={quote(self._branch)}")
            answer = self._api.get(path, etag=etag)
            if answer.status == 304:
                return content
            if answer.status == 404:
                return None
            if answer.status != 200:
                self._refuse(answer, "read")
            content = content_of(answer)
        except GitHubUnavailable as error:
            raise self._unread(error) from error
        self._heads[name] = answer.headers.get("etag"), content
        return content

    def swap(
        self, document: bytes, version: str, *, message: str, files: Mapping[str, bytes] = NO_FILES
    ) -> str:
        changes = {self._path: document} | {self._beside(name): files[name] for name in files}
        message = f"{message} {SKIP_CI}"
        try:
            if version == ABSENT:
                commit = self._create_branch(changes, message)
            else:
                commit = self._commit(changes, version, message, squash=not all(map(is_head, files)))
        except GitHubMisconfigured as error:
            raise self._unread(error) from error
        except GitHubUnavailable as error:
            raise RegistryUnavailable(
                f"It is not known whether the registry on {self.location} was written: {error}",
                retry_seconds=error.retry_seconds,
            ) from error
        self._seen = Snapshot(document, commit)
        return commit

    def _read_head(self) -> str | None:
        etag = self._head[1] if self._head else None
        answer = self._api.get(self._at(f"git/ref/heads/{quote(self._branch)}"), etag=etag)
        if answer.status in _MOVED and self._learn_new_name(answer):
            answer = self._api.get(self._at(f"git/ref/heads/{quote(self._branch)}"))
        if answer.status == 304 and self._head:
            return self._head[0]
        self._head = None
        if answer.status == 404:
            self._require_repository()
            return None
        if answer.status != 200:
            self._refuse(answer, "read")
        commit = sha_at(answer.body, "object", "sha")
        self._head = (commit, answer.headers.get("etag"))
        return commit

    def _learn_new_name(self, answer: Answer) -> bool:
        name = new_name(self._api, answer)
        if not name:
            return False
        self.advice = refusals.advice_on_rename(self._repository, name)
        self._repository = name
        return True

    def _require_repository(self) -> None:
        """GitHub says 404 for a branch that is not there and for a repository that the token cannot see."""
        if self._repository_exists:
            return
        answer = self._api.get(self._at(""))
        if answer.status != 200:
            self._refuse(answer, "read")
        self._repository_exists = True

    def _read_document(self, path: str, commit: str) -> bytes | None:
        answer = self._api.get(self._at(f"contents/{quote(path)}?ref={commit}"))
        if answer.status == 404:
            return self._search_document(path, commit)
        if answer.status != 200:
            self._refuse(answer, "read")
        refusals.check_type(answer.body, path, self.location)
        if text_at(answer.body, "encoding") == "base64":
            return content_of(answer)
        return self._read_blob(answer.body)  # over 1 MB the content is left out

    def _search_document(self, path: str, commit: str) -> bytes | None:
        """The document by the commit's own tree. A 404 alone may be a replica that lags behind: taken for an
        empty registry, it would let the next swap erase the document."""
        answer = self._api.get(self._at(f"git/trees/{commit}?recursive=1"))
        if answer.status == 404:
            raise GitHubUnavailable("GitHub does not show its newest commit yet.", soon=True)
        if answer.status != 200:
            self._refuse(answer, "read")
        found = [entry for entry in tree_of(answer) if text_at(entry, "path") == path]
        return self._read_blob(found[0]) if found else None

    def _read_blob(self, entry: Any) -> bytes:
        refusals.check_size(entry, self.location)
        answer = self._api.get(self._at(f"git/blobs/{sha_at(entry, 'sha')}"))
        if answer.status != 200:
            self._refuse(answer, "read")
        return content_of(answer)

    def _commit(self, changes: Mapping[str, bytes], head: str, message: str, *, squash: bool) -> str:
        additions = [
            {"path": path, "contents": base64.b64encode(content).decode()}
            for path, content in changes.items()
        ]
        answer = self._api.graphql(
            CREATE_COMMIT,
            {
                "input": {
                    "branch": {"repositoryNameWithOwner": self._repository, "branchName": self._branch},
                    "expectedHeadOid": head,
                    "message": {"headline": message},
                    "fileChanges": {"additions": additions},
                },
                "whole": squash,
            },
        )
        if errors := graphql_errors(answer):
            raise self._explain_graphql(errors[0])
        if answer.status != 200:
            self._refuse(answer, "written")
        commit = sha_at(answer.body, "data", "createCommitOnBranch", "commit", "oid")
        created = answer.body["data"]["createCommitOnBranch"]
        return (squash and self._squash.after(created, self._at("git/commits"))) or commit

    def _explain_graphql(self, error: dict[str, Any]) -> RegistryError:
        kind, message = str(error.get("type", "")), str(error.get("message", ""))
        about_repository = "resolve to a repository" in message.lower()
        if kind == "STALE_DATA" or (kind == "NOT_FOUND" and not about_repository):
            return self._conflict()
        if kind == "NOT_FOUND":
            return self._not_found()
        if refusals.names_a_rule(message) or kind == "BRANCH_PROTECTION_RULE_VIOLATION":
            return self._ruled_out("updating", message)
        if kind in {"FORBIDDEN", "INSUFFICIENT_SCOPES"}:
            return self._not_permitted("written", message)
        if kind == "UNPROCESSABLE":
            return RegistryForbidden(f"GitHub refuses to write the registry on {self.location}: {message}")
        return RegistryUnavailable(
            f"It is not known whether the registry on {self.location} was written. GitHub says: {message}"
        )

    def _create_branch(self, changes: Mapping[str, bytes], message: str) -> str:
        """A commit without a parent, then the branch on it. Only the last request shows to others."""
        tree = self._create("git/trees", {"tree": list(self._create_blobs(changes))})
        commit = self._create("git/commits", {"message": message, "tree": tree, "parents": []})
        answer = self._api.post(self._at("git/refs"), {"ref": f"refs/heads/{self._branch}", "sha": commit})
        if answer.status == 422:
            self._settle_creation(commit, answer)
        elif answer.status != 201:
            self._refuse(answer, "written")
        elif sha_at(answer.body, "object", "sha") != commit:
            raise GitHubUnavailable("GitHub's answer names another commit.", soon=False)
        return commit

    def _create_blobs(self, changes: Mapping[str, bytes]) -> Iterable[dict[str, str]]:
        for path, content in changes.items():
            body: dict[str, object] = {"content": base64.b64encode(content).decode(), "encoding": "base64"}
            yield {"path": path, "mode": "100644", "type": "blob", "sha": self._create("git/blobs", body)}

    def _settle_creation(self, commit: str, answer: Answer) -> None:
        """A 422 may mean that the branch exists, that a rule forbids it, or even that it was made.

        No other writer can have made `commit`: it holds the id of this operation.
        """
        head = self._read_head()
        if head == commit:
            return
        if head is not None or "already exists" in answer.message.lower():
            raise self._conflict()
        raise self._ruled_out("creating", answer.message)

    def _create(self, what: str, body: dict[str, object]) -> str:
        answer = self._api.post(self._at(what), body)
        if answer.status != 201:
            self._refuse(answer, "written")
        return sha_at(answer.body, "sha")

    def _beside(self, name: str) -> str:
        folder, slash, _ = self._path.rpartition("/")
        return f"{folder}{slash}{name}"

    def _at(self, rest: str) -> str:
        return f"/repos/{quote(self._repository)}/{rest}".rstrip("/")

    def _unread(self, error: GitHubUnavailable) -> RegistryError:
        if isinstance(error, GitHubMisconfigured):
            return RegistryMisconfigured(
                f"The registry on {self.location} cannot be read: {error}",
                why="This does not heal by itself.",
                remedy=error.remedy,
            )
        return RegistryUnavailable(
            f"The registry on {self.location} cannot be read: {error}", retry_seconds=error.retry_seconds
        )

    def _conflict(self) -> RegistryConflict:
        return RegistryConflict(f"The registry on {self.location} changed since it was read.")

    def _refuse(self, answer: Answer, done: str) -> NoReturn:
        if answer.status == 401:
            raise RegistryForbidden(
                f"{self._api.host} does not accept the token (401).",
                why=refusals.FALLBACK,
                remedy="Hand in a valid token; `${{ github.token }}` is valid until its job ends.",
            )
        if answer.status == 404:
            raise self._not_found()
        if answer.status in _MOVED:
            raise RegistryForbidden(
                f"{self._api.host} answers that {self._repository} is at another address ({answer.status}).",
                why=refusals.FALLBACK,
                remedy="Name the repository by its new name if it was renamed or transferred.",
            )
        if refusals.names_a_rule(answer.message):
            raise self._ruled_out("updating", answer.message)
        if answer.status == 403:
            raise self._not_permitted(done, answer.message)
        raise RegistryForbidden(
            f"The registry on {self.location} cannot be {done}: GitHub answered {answer.status}"
            f" {answer.message or 'without a reason'}.",
            why=refusals.FALLBACK,
            remedy="Check the names of repository and branch, and that the repository has a first commit.",
        )

    def _not_found(self) -> RegistryForbidden:
        return RegistryForbidden(
            f"{self._api.host} has no repository {self._repository}, or the token cannot see it.",
            why=refusals.FALLBACK,
            remedy=f"Check its name. {self._permission()}",
        )

    def _not_permitted(self, done: str, message: str) -> RegistryForbidden:
        said = f'GitHub says: "{" ".join(message.split())}"' if message else "GitHub gives no reason"
        return RegistryForbidden(
            f"The registry on {self.location} may not be {done} with this token. {said}.",
            why=refusals.FALLBACK,
            remedy=refusals.remedy_of_refusal(message) or self._permission(),
        )

    def _permission(self) -> str:
        if self._elsewhere:
            return (
                f"Hand in a `registry-token` that has `contents: write` in {self._repository}: a GitHub "
                "App's, or a fine-grained personal one. `${{ github.token }}` never has it there."
            )
        return "Add `permissions: contents: write` to the job. Pull requests from forks never get it."

    def _ruled_out(self, deed: str, message: str) -> RegistryForbidden:
        return RegistryForbidden(
            f"A ruleset or branch protection forbids {deed} the branch {self._branch} of {self._repository}: "
            f"{' '.join(message.split())}",
            why=refusals.FALLBACK,
            remedy=f"Exclude `{self._branch}` from the rule, or choose another store for the registry.",
        )


def _parse(text: str) -> RegistryAddress:
    if text.lower() == "github":
        return RegistryAddress("github")
    host, repository, branch = parse_branch_address(text)
    return RegistryAddress("github", repository, branch, host)


def _open(address: RegistryAddress, job: Opening) -> GitHubRegistry:
    run = job.run
    return GitHubRegistry(
        job.token,
        address.place or run.repository,
        branch=address.prefix or BRANCH,
        api_url=address.api_url if address.host else run.api_url,
        graphql_url=address.graphql_url if address.host else run.graphql_url,
        elsewhere=bool(address.host) or address.place.lower() not in {"", run.repository.lower()},
        host=address.host,
    )


STORE = Store("github", "github, github://owner/name#branch", 13.0, _parse, _open)
