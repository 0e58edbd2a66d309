"""Deployments and their statuses."""

from __future__ import annotations

from typing import Any

from tests.fakes.github import shapes
from tests.fakes.github.objects import iso
from tests.fakes.github.rest import Call, refusal, route
from tests.fakes.http import Response


@route("GET", "/deployments", "deployments:read")
def get_deployments(call: Call) -> Response:
    """The newest first."""
    asked = call.request.query
    found = [
        row
        for name, row in call.state.deployments
        if name == call.repository.name
        and asked.get("sha", row["sha"]) == row["sha"]
        and asked.get("environment", row["environment"]) == row["environment"]
    ]
    return Response(200, [_public(row) for row in found[::-1]][: int(asked.get("per_page", "30"))])


@route("POST", "/deployments", "deployments:write")
def create_deployment(call: Call) -> Response:
    given = call.request.json
    sha = call.repository.head(f"refs/heads/{given['ref']}") or str(given["ref"])
    if sha not in call.repository.commits:
        return refusal(422, f"No ref found for: {given['ref']}")
    if given.get("auto_merge", True) or given.get("required_contexts") != []:
        return refusal(409, "Conflict: Commit status checks failed for main.")
    return Response(201, _public(add(call, sha, given)))


@route("GET", r"/deployments/(\d+)/statuses", "deployments:read")
def get_statuses(call: Call, number: str) -> Response:
    row = _find(call, number)
    return Response(200, row["statuses"][::-1]) if row else refusal(404, "Not Found")


@route("POST", r"/deployments/(\d+)/statuses", "deployments:write")
def create_status(call: Call, number: str) -> Response:
    row, given = _find(call, number), call.request.json
    if row is None:
        return refusal(404, "Not Found")
    if len(given.get("description", "")) > 140:
        return refusal(422, "Validation Failed: description is too long (maximum is 140 characters)")
    for name in ("log_url", "environment_url"):
        if given.get(name) and not str(given[name]).startswith(("http://", "https://")):
            return refusal(422, f"Validation Failed: {name} must use http(s) scheme")
    made = status(call, row, given)
    if given["state"] == "success" and given.get("auto_inactive", True):
        _retire_others(call, row)
    return Response(201, made)


def _retire_others(call: Call, row: dict[str, Any]) -> None:
    """All prior ones of the environment that succeeded, but for transient ones and those of production."""
    for name, other in call.state.deployments:
        kept = other["transient_environment"] or other["production_environment"]
        same = (name, other["environment"]) == (call.repository.name, row["environment"])
        succeeded = bool(other["statuses"]) and other["statuses"][-1]["state"] == "success"
        if same and succeeded and not kept and other["id"] < row["id"]:
            status(call, other, {"state": "inactive"})


def add(call: Call, sha: str, given: dict[str, Any]) -> dict[str, Any]:
    number, now = len(call.state.deployments) + 1, iso(call.state.now())
    own = f"{call.url}/deployments/{number}"
    row = {
        "id": number,
        "node_id": "D",
        "url": own,
        "statuses_url": f"{own}/statuses",
        "repository_url": call.url,
        "sha": sha,
        "ref": given["ref"],
        "task": given.get("task", "deploy"),
        "environment": given.get("environment", "production"),
        "original_environment": given.get("environment", "production"),
        "payload": given.get("payload", ""),
        "description": given.get("description", ""),
        "transient_environment": given.get("transient_environment", False),
        "production_environment": given.get("production_environment", False),
        "creator": shapes.owner(call.base, "github-actions[bot]") | {"type": "Bot"},
        "created_at": now,
        "updated_at": now,
        "statuses": [],
    }
    call.state.deployments.append((call.repository.name, row))
    return row


def status(call: Call, row: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    number, now = len(row["statuses"]) + 1, iso(call.state.now())
    made = {
        "id": number,
        "node_id": "S",
        "state": given["state"],
        "creator": row["creator"],
        "description": given.get("description", ""),
        "environment": row["environment"],
        "target_url": given.get("log_url", ""),
        "log_url": given.get("log_url", ""),
        "environment_url": given.get("environment_url", ""),
        "created_at": now,
        "updated_at": now,
        "deployment_url": row["url"],
        "repository_url": call.url,
        "url": f"{row['statuses_url']}/{number}",
    }
    row["statuses"].append(made)
    return made


def _find(call: Call, number: str) -> dict[str, Any] | None:
    found = (
        row
        for name, row in call.state.deployments
        if name == call.repository.name and row["id"] == int(number)
    )
    return next(found, None)


def _public(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "statuses"}
