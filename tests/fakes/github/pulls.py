"""Pull requests: their comments, and which one a commit was merged from."""

from __future__ import annotations

from typing import Any

from tests.fakes.github.objects import iso
from tests.fakes.github.rest import Call, refusal, route
from tests.fakes.http import Response

BODY_MAX = 65_536


@route("GET", r"/issues/(\d+)/comments", "pull-requests:read")
def get_comments(call: Call, number: str) -> Response:
    """The oldest first."""
    asked = call.request.query
    size, page = int(asked.get("per_page", "30")), int(asked.get("page", "1"))
    found = [row for of, row in call.state.comments if of == int(number)]
    return Response(200, found[(page - 1) * size : page * size])


@route("POST", r"/issues/(\d+)/comments", "pull-requests:write")
def create_comment(call: Call, number: str) -> Response:
    body = str(call.request.json["body"])
    if len(body) > BODY_MAX:
        return refusal(422, "Validation Failed: body is too long (maximum is 65536 characters)")
    return Response(201, add(call, int(number), body))


@route("PATCH", r"/issues/comments/(\d+)", "pull-requests:write")
def update_comment(call: Call, number: str) -> Response:
    body = str(call.request.json["body"])
    for _, row in call.state.comments:
        if row["id"] == int(number):
            row |= {"body": body, "updated_at": iso(call.state.now())}
            return Response(200, row)
    return refusal(404, "Not Found")


@route("GET", r"/commits/(\w+)/pulls", "pull-requests:read")
def get_pulls(call: Call, sha: str) -> Response:
    """A row whose `merge_commit_sha` is `*` was merged as whatever is asked for."""
    rows = [
        {**row, "merge_commit_sha": sha} if row["merge_commit_sha"] == "*" else row
        for row in call.state.pulls
    ]
    return Response(200, [row for row in rows if sha in {row["merge_commit_sha"], row["head"]["sha"]}])


def add(call: Call, number: int, body: str) -> dict[str, Any]:
    state = call.state
    identity = 9000 + len(state.comments)
    row = {
        "id": identity,
        "body": body,
        "html_url": f"https://github.com/{call.repository.name}/pull/{number}#issuecomment-{identity}",
        "user": {"login": "github-actions[bot]", "type": "Bot"},
        "author_association": "NONE",
        "created_at": iso(state.now()),
        "updated_at": iso(state.now()),
    }
    state.comments.append((number, row))
    return row
