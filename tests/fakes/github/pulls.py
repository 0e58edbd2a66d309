"""Pull requests: their comments, and which one a commit was merged from."""

from __future__ import annotations

from typing import Any

from tests.fakes.github import shapes
from tests.fakes.github.objects import iso
from tests.fakes.github.rest import Call, refusal, route
from tests.fakes.http import Response

BODY_MAX = 65_536
"""Characters. GitHub's description names no bound; its answer to more does."""


@route("GET", r"/issues/(\d+)/comments", "pull-requests:read")
def get_comments(call: Call, number: str) -> Response:
    """The oldest first."""
    found = [row for of, row in call.state.comments if of == int(number)]
    return Response(200, _paged(call, found))


@route("POST", r"/issues/(\d+)/comments", "pull-requests:write")
def create_comment(call: Call, number: str) -> Response:
    body = str(call.request.json["body"])
    return _refused(body) or Response(201, add(call, int(number), body))


@route("PATCH", r"/issues/comments/(\d+)", "pull-requests:write")
def update_comment(call: Call, number: str) -> Response:
    body = str(call.request.json["body"])
    row = next((row for _, row in call.state.comments if row["id"] == int(number)), None)
    if row is None:
        return refusal(404, "Not Found")
    if refused := _refused(body):
        return refused
    row |= {"body": body, "updated_at": iso(call.state.now())}
    return Response(200, row)


@route("DELETE", r"/issues/comments/(\d+)", "pull-requests:write")
def delete_comment(call: Call, number: str) -> Response:
    comments = call.state.comments
    found = [pair for pair in comments if pair[1]["id"] == int(number)]
    comments[:] = [pair for pair in comments if pair not in found]
    return Response(204, None) if found else refusal(404, "Not Found")


@route("GET", r"/pulls/(\d+)", "pull-requests:read")
def get_pull(call: Call, number: str) -> Response:
    for row in call.state.pulls:
        if row["number"] == int(number):
            plain = shapes.pull_request(call.base, call.repository, row, call.state.now())
            return Response(200, plain | shapes.pull_request_counts(plain))
    return refusal(404, "Not Found")


@route("GET", r"/commits/(\w+)/pulls", "pull-requests:read")
def get_pulls(call: Call, sha: str) -> Response:
    """A row whose `merge_commit_sha` is `*` was merged as whatever is asked for."""
    rows = [
        {**row, "merge_commit_sha": sha} if row.get("merge_commit_sha") == "*" else row
        for row in call.state.pulls
    ]
    found = [row for row in rows if sha in {row.get("merge_commit_sha"), row["head"]["sha"]}]
    answered = [shapes.pull_request(call.base, call.repository, row, call.state.now()) for row in found]
    return Response(200, _paged(call, answered))


def add(call: Call, number: int, body: str) -> dict[str, Any]:
    state = call.state
    row = shapes.comment(call.url, 9000 + state.commented, number, body, state.now())
    row["user"] = shapes.owner(call.base, "github-actions[bot]") | {"type": "Bot"}
    state.commented += 1
    state.comments.append((number, row))
    return row


def _paged(call: Call, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    asked = call.request.query
    size, page = min(int(asked.get("per_page", "30")), 100), int(asked.get("page", "1"))
    return rows[(page - 1) * size : page * size]


def _refused(body: str) -> Response | None:
    if not body.strip():
        return refusal(422, "Validation Failed: body cannot be blank")
    if len(body) > BODY_MAX:
        return refusal(422, "Validation Failed: body is too long (maximum is 65536 characters)")
    return None
