"""Holds what is asked and answered to GitHub's official description (`openapi.json`)."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from openapi_schema_validator import OAS30Validator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.fakes.github.server import GitHubServer
    from tests.fakes.http import Request, Response

DESCRIPTION_FILE = Path(__file__).with_name("openapi.json")
WITH_SLASHES = {"path", "ref"}  # parameters whose value may hold slashes
UNDESCRIBED = {401, 403, 404, 429}  # GitHub gives these everywhere, in the shape of a basic error
NOT_MODIFIED = 304  # the answer to a conditional GET of any resource that has an ETag


class Operation(NamedTuple):
    method: str
    template: str
    pattern: re.Pattern[str]
    details: dict[str, Any]


@cache
def description() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(DESCRIPTION_FILE.read_text(), object_hook=_with_null)
    return loaded


def _with_null(part: dict[str, Any]) -> dict[str, Any]:
    """GitHub means null to be allowed by `nullable` (a running job's conclusion); the letter of OpenAPI asks
    for it in `enum` too."""
    if part.get("nullable") is True and isinstance(part.get("enum"), list):
        part["enum"] = [*part["enum"], None]
    return part


@cache
def operations() -> tuple[Operation, ...]:
    """All operations, the most literal paths first."""
    found = [
        Operation(method.upper(), template, _pattern(template), details)
        for template, methods in description()["paths"].items()
        for method, details in methods.items()
    ]
    return tuple(sorted(found, key=lambda operation: -len(re.sub(r"{\w+}", "", operation.template))))


def operation_of(request: Request) -> Operation | None:
    path = request.path.removeprefix("/api/v3")
    return next((o for o in operations() if o.method == request.method and o.pattern.fullmatch(path)), None)


@contextmanager
def held_to_its_description(github: GitHubServer) -> Iterator[GitHubServer]:
    """The server as it runs; at its end all that it was asked and answered has to be described."""
    with github as server:
        yield server
        found = problems(server.exchanges)
    assert not found, "\n".join(found)


def problems(exchanges: Iterable[tuple[Request, Response]]) -> list[str]:
    """One sentence for each request or answer that the description does not allow. GraphQL is left out."""
    found: list[str] = []
    for request, response in exchanges:
        if request.path.endswith("/graphql"):
            continue
        operation = operation_of(request)
        name = f"{request.method} {request.path}"
        if operation is None:
            found += [] if response.status in UNDESCRIBED else [f"{name} is not described"]
            continue
        if request.body:
            schema = _content(operation.details["requestBody"])
            found += [f"{name} asks: {problem}" for problem in _compare(request.json, schema)]
        found += [f"{name} answers {response.status}: {problem}" for problem in _answer(operation, response)]
    return found


def _answer(operation: Operation, response: Response) -> list[str]:
    if response.status == NOT_MODIFIED and operation.method == "GET":
        return []
    described = operation.details["responses"].get(str(response.status))
    if described is None:
        if response.status not in UNDESCRIBED:
            return ["this status is not described"]
        return _compare(response.body, {"$ref": "#/components/schemas/basic-error"})
    schema = _content(described)
    if schema is None:
        return [] if response.body is None else ["a body is not described"]
    return _compare(response.body, schema)


def _compare(body: Any, schema: Any) -> list[str]:
    whole = {"allOf": [schema], "components": description()["components"]}
    return [f"{error.json_path} {error.message[:200]}" for error in OAS30Validator(whole).iter_errors(body)]


def _content(part: dict[str, Any]) -> Any:
    if "$ref" in part:
        kind, name = part["$ref"].removeprefix("#/components/").split("/")
        part = description()["components"][kind][name]
    content = part.get("content", {})
    return content["application/json"]["schema"] if "application/json" in content else None


def _pattern(template: str) -> re.Pattern[str]:
    def parameter(match: re.Match[str]) -> str:
        return ".+" if match[1] in WITH_SLASHES else "[^/]+"

    return re.compile(re.sub(r"{(\w+)}", parameter, template))
