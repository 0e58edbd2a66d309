"""Cut GitHub's official descriptions down to what the fake answers. Run by hand when either grows.

    npm pack @octokit/openapi@23 @octokit/graphql-schema
    python -m tests.fakes.github.cut_schemas OPENAPI_PACKAGE GRAPHQL_PACKAGE

Both arguments are the unpacked `package` folders. Writes `openapi.json` and `schema.graphql` beside itself.
Words for people are left out, rules are not: a cut schema accepts exactly what the full one accepts.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from graphql import language

HERE = Path(__file__).parent

OPERATIONS = {
    "/repos/{owner}/{repo}": ("get",),
    "/repos/{owner}/{repo}/commits/{commit_sha}/pulls": ("get",),
    "/repos/{owner}/{repo}/compare/{basehead}": ("get",),
    "/repos/{owner}/{repo}/contents/{path}": ("get",),
    "/repos/{owner}/{repo}/git/blobs": ("post",),
    "/repos/{owner}/{repo}/git/blobs/{file_sha}": ("get",),
    "/repos/{owner}/{repo}/git/commits": ("post",),
    "/repos/{owner}/{repo}/git/commits/{commit_sha}": ("get",),
    "/repos/{owner}/{repo}/git/ref/{ref}": ("get",),
    "/repos/{owner}/{repo}/git/refs": ("post",),
    "/repos/{owner}/{repo}/git/refs/{ref}": ("patch",),
    "/repos/{owner}/{repo}/git/trees": ("post",),
    "/repos/{owner}/{repo}/git/trees/{tree_sha}": ("get",),
    "/repos/{owner}/{repo}/actions/jobs/{job_id}": ("get",),
    "/repos/{owner}/{repo}/actions/runs": ("get",),
    "/repos/{owner}/{repo}/actions/runs/{run_id}": ("get",),
    "/repos/{owner}/{repo}/actions/runs/{run_id}/attempts/{attempt_number}": ("get",),
    "/repos/{owner}/{repo}/actions/runs/{run_id}/attempts/{attempt_number}/jobs": ("get",),
    "/repos/{owner}/{repo}/actions/runs/{run_id}/concurrency_groups": ("get",),
    "/repos/{owner}/{repo}/deployments": ("get", "post"),
    "/repos/{owner}/{repo}/deployments/{deployment_id}/statuses": ("get", "post"),
    "/repos/{owner}/{repo}/issues/comments/{comment_id}": ("delete", "patch"),
    "/repos/{owner}/{repo}/issues/{issue_number}/comments": ("get", "post"),
    "/repos/{owner}/{repo}/pulls/{pull_number}": ("get",),
}
FIELDS = {
    "Mutation": {"createCommitOnBranch", "updateRefs"},
    "CreateCommitOnBranchPayload": {"clientMutationId", "commit", "ref"},
    "Commit": {"oid", "messageHeadline", "tree", "history"},
    "CommitHistoryConnection": {"totalCount"},
    "GitObject": {"oid"},
    "Ref": {"name", "target", "repository"},
    "Query": {"repository"},
    "Repository": {"nameWithOwner", "ref", "id"},
    "Tree": {"oid"},
    "UpdateRefsPayload": {"clientMutationId"},
}
WHOLE_TYPES = {
    "CommitMessage",
    "CommittableBranch",
    "CreateCommitOnBranchInput",
    "FileAddition",
    "FileChanges",
    "FileDeletion",
    "Base64String",
    "GitObjectID",
    "GitRefname",
    "GitTimestamp",
    "CommitAuthor",
    "RefUpdate",
    "UpdateRefsInput",
}
WORDS = {"description", "summary", "example", "examples", "externalDocs", "tags", "title", "operationId"}
HINTS = {"discriminator"}  # `oneOf` decides alone; the hint for contents is wrong for folders


def cut_openapi(package: Path) -> dict[str, Any]:
    full = json.loads((package / "generated" / "api.github.com.json").read_text())
    paths = {
        path: {method: _without_words(full["paths"][path][method], is_schema=False) for method in methods}
        for path, methods in OPERATIONS.items()
    }
    components: dict[str, Any] = {}
    waiting = _references(paths)
    while waiting:
        reference = waiting.pop()
        kind, name = reference.removeprefix("#/components/").split("/")
        if name in components.setdefault(kind, {}):
            continue
        part = _without_words(full["components"][kind][name], is_schema=kind == "schemas")
        components[kind][name] = part
        waiting |= _references(part)
    info = {
        "title": full["info"]["title"],
        "version": full["info"]["version"],
        "license": full["info"]["license"],
    }
    return {"openapi": full["openapi"], "info": info, "paths": paths, "components": components}


def cut_graphql(package: Path) -> str:
    document = language.parse((package / "schema.graphql").read_text(), no_location=True)
    kept = [
        _cut_type(definition)
        for definition in document.definitions
        if isinstance(definition, language.TypeDefinitionNode)
        and definition.name.value in FIELDS.keys() | WHOLE_TYPES
    ]
    return "\n\n".join(language.print_ast(definition) for definition in kept) + "\n"


def _cut_type(definition: Any) -> Any:
    changes: dict[str, Any] = {}
    if hasattr(definition, "fields"):
        named = FIELDS.get(definition.name.value, {field.name.value for field in definition.fields})
        changes["fields"] = tuple(
            _plain(field, arguments=tuple(map(_plain, field.arguments or ())))
            if hasattr(field, "arguments")
            else _plain(field)
            for field in definition.fields
            if field.name.value in named
        )
    if hasattr(definition, "interfaces"):
        changes["interfaces"] = tuple(i for i in definition.interfaces or () if i.name.value in FIELDS)
    return _plain(definition, **changes)


def _plain(node: Any, **changes: Any) -> Any:
    return dataclasses.replace(node, description=None, directives=(), **changes)


def _without_words(part: Any, *, is_schema: bool) -> Any:
    """`part` without what people read. A property may be *called* `description`: those stay."""
    if isinstance(part, list):
        return [_without_words(item, is_schema=is_schema) for item in part]
    if not isinstance(part, dict):
        return part
    cut: dict[str, Any] = {}
    for key, value in part.items():
        if key == "properties" and isinstance(value, dict):
            cut[key] = {name: _without_words(schema, is_schema=True) for name, schema in value.items()}
        elif key in WORDS and not (key == "description" and not is_schema and _is_response(part)):
            continue
        elif key not in HINTS and not key.startswith("x-"):
            cut[key] = _without_words(value, is_schema=is_schema or key == "schema")
    return cut


def _is_response(part: dict[str, Any]) -> bool:
    return "content" in part or set(part) <= {"description", "headers"}


def _references(part: Any) -> set[str]:
    if isinstance(part, list):
        return {reference for item in part for reference in _references(item)}
    if not isinstance(part, dict):
        return set()
    own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
    return own | {reference for value in part.values() for reference in _references(value)}


if __name__ == "__main__":
    openapi, graphql = map(Path, sys.argv[1:3])
    (HERE / "openapi.json").write_text(json.dumps(cut_openapi(openapi), indent=1, sort_keys=True) + "\n")
    (HERE / "schema.graphql").write_text(cut_graphql(graphql))
