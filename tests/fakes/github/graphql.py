"""The GraphQL calls that the fake answers, run by graphql-core against the official schema.

The types of errors and the words for stale data, missing commits and missing permissions are GitHub's. The
words for a missing branch and for a ref that moved are our own: do not depend on them.
"""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, GraphQLSchema, build_schema, graphql_sync

from tests.fakes.github.state import Refused, State
from tests.fakes.http import Request, Response

if TYPE_CHECKING:
    from tests.fakes.github.objects import Repository

SCHEMA_FILE = Path(__file__).with_name("schema.graphql")


@cache
def schema() -> GraphQLSchema:
    return build_schema(SCHEMA_FILE.read_text())


def respond(request: Request, state: State, token: str) -> Response:
    root = {
        "createCommitOnBranch": lambda _info, input: _create_commit(state, token, input),  # noqa: A006
        "updateRefs": lambda _info, input: _update_refs(state, token, input),  # noqa: A006
        "repository": lambda _info, owner, name, **_: _repository(state, token, f"{owner}/{name}"),
    }
    result = graphql_sync(
        schema(),
        request.json.get("query", ""),
        root_value=root,
        variable_values=request.json.get("variables"),
    )
    body: dict[str, Any] = {"data": result.data}
    if result.errors:
        body["errors"] = [_error(error) for error in result.errors]
    return Response(200, body)


def _error(error: GraphQLError) -> dict[str, Any]:
    kind = {"type": error.original_error.kind} if isinstance(error.original_error, Refused) else {}
    return {**kind, **error.formatted}


def _find(state: State, token: str, name: str) -> Repository:
    repository = state.find(token, name)
    if repository is None:
        raise Refused(f"Could not resolve to a Repository with the name '{name}'.", kind="NOT_FOUND")
    return repository


def _repository(state: State, token: str, name: str) -> dict[str, Any]:
    repository = _find(state, token, name)
    return {
        "id": _node_id(repository),
        "nameWithOwner": name,
        "ref": lambda _info, qualifiedName: _ref(repository, qualifiedName),  # noqa: N803
    }


def _node_id(repository: Repository) -> str:
    return f"R_{repository.identity:06}"


def _ref(repository: Repository, name: str) -> dict[str, Any] | None:
    sha = repository.head(name)
    if not sha:
        return None
    return {
        "name": name.removeprefix("refs/heads/"),
        "target": _commit(repository, sha),
        "repository": {"id": _node_id(repository), "nameWithOwner": repository.name},
    }


def _commit(repository: Repository, sha: str) -> dict[str, Any]:
    headline = repository.commits[sha].message.partition("\n")[0]
    return {
        "__typename": "Commit",
        "oid": sha,
        "messageHeadline": headline,
        "tree": {"__typename": "Tree", "oid": repository.commits[sha].tree},
        "history": lambda _info, **_: {"totalCount": len(repository.ancestors(sha))},
    }


def _update_refs(state: State, token: str, given: dict[str, Any]) -> dict[str, Any]:
    """All of them or none, as GitHub does."""
    repository = next(
        (one for one in state.repositories.values() if _node_id(one) == given["repositoryId"]), None
    )
    if repository is None or state.find(token, repository.name) is None:
        raise Refused("Could not resolve to a node with the global id", kind="NOT_FOUND")
    if not state.allows(token, "contents:write"):
        raise Refused("Resource not accessible by integration", kind="FORBIDDEN")
    for update in given["refUpdates"]:
        name, before, after = update["name"], update.get("beforeOid"), update["afterOid"]
        head = repository.head(name)
        if before is not None and head != before:
            raise Refused(f"Reference {name} does not point to {before}.")
        if after not in repository.commits:
            raise Refused(f"No object exists with afterOid '{after}'.", kind="NOT_FOUND")
        if head not in {None, *repository.ancestors(after)} and not update["force"]:
            raise Refused("Update is not a fast forward")
        state.check_rules(name, "force" if head not in repository.ancestors(after) else "update")
    for update in given["refUpdates"]:
        repository.move(update["name"], update["afterOid"], state.now())
    return {"clientMutationId": given.get("clientMutationId")}


def _create_commit(state: State, token: str, given: dict[str, Any]) -> dict[str, Any]:
    repository = _find(state, token, given["branch"]["repositoryNameWithOwner"])
    if not state.allows(token, "contents:write"):
        raise Refused("Resource not accessible by integration", kind="FORBIDDEN")
    ref = f"refs/heads/{given['branch']['branchName']}"
    head, expected = repository.head(ref), given["expectedHeadOid"]
    if head is None:
        raise Refused("Could not resolve to a Ref", kind="NOT_FOUND")
    if expected not in repository.commits:
        raise Refused(f"No commit exists with specified expectedHeadOid '{expected}'.", kind="NOT_FOUND")
    if head != expected:
        raise Refused(
            f'Expected branch to point to "{expected}" but it did not.  Pull and try again.',
            kind="STALE_DATA",
        )
    state.check_rules(ref, "update")
    files = dict(repository.files(head))
    for addition in given["fileChanges"]["additions"]:
        files[addition["path"]] = repository.add_blob(base64.b64decode(addition["contents"], validate=True))
    for deletion in given["fileChanges"]["deletions"]:
        files.pop(deletion["path"], None)
    message = "\n\n".join(filter(None, (given["message"]["headline"], given["message"].get("body"))))
    sha = repository.add_commit(repository.add_tree(files), (head,), message, state.now())
    repository.move(ref, sha, state.now())
    return {
        "clientMutationId": given.get("clientMutationId"),
        "commit": _commit(repository, sha),
        "ref": _ref(repository, ref),
    }
