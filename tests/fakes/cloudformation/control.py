"""The test ground's own HTTP endpoints, for tests that are not written in Python."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.cloudformation.server import CloudFormationServer

Response = tuple[int, str, bytes]
_TEMPLATES = "/_testground/templates/"


def respond(app: CloudFormationServer, method: str, target: str, body: str) -> Response:
    path = urlsplit(target).path
    try:
        if path.startswith(_TEMPLATES):
            return _template(app, method, path[len(_TEMPLATES) :], body)
        return _route(app, method, path, body)
    except (ValueError, TypeError) as error:
        return _json({"error": str(error)}, 400)


def _route(app: CloudFormationServer, method: str, path: str, body: str) -> Response:
    name = path.removeprefix("/_testground/")
    handler = _ROUTES.get((method, name))
    if handler is None:
        return _json({"error": f"no {method} {path}"}, 404)
    return _json(handler(app, body))


def _add_faults(app: CloudFormationServer, body: str) -> Any:
    rules = json.loads(body)
    for rule in rules if isinstance(rules, list) else [rules]:
        app.faults.add_json(rule)
    return _faults(app, body)


def _faults(app: CloudFormationServer, body: str) -> Any:
    return {"faults": app.faults.rules()}


def _clear_faults(app: CloudFormationServer, body: str) -> Any:
    app.faults.clear()
    return {}


def _reset(app: CloudFormationServer, body: str) -> Any:
    app.reset()
    return {}


def _requests(app: CloudFormationServer, body: str) -> Any:
    counts: dict[str, dict[str, int]] = {}
    for (operation, region), count in sorted(app.requests.items()):
        counts.setdefault(region, {})[operation] = count
    return counts


_ROUTES: dict[tuple[str, str], Callable[[CloudFormationServer, str], Any]] = {
    ("GET", "clock"): lambda app, body: {"now": app.now()},
    ("GET", "faults"): _faults,
    ("GET", "log"): lambda app, body: list(app.log),
    ("GET", "requests"): _requests,
    ("DELETE", "faults"): _clear_faults,
    ("POST", "faults"): _add_faults,
    ("POST", "reset"): _reset,
}


def _template(app: CloudFormationServer, method: str, name: str, body: str) -> Response:
    if method == "PUT":
        app.templates[name] = body
        return _json({"url": f"{app.endpoint_url}{_TEMPLATES}{name}"})
    if name in app.templates:
        return 200, "text/plain", app.templates[name].encode()
    return _json({"error": f"no template {name}"}, 404)


def _json(value: Any, status: int = 200) -> Response:
    return status, "application/json", json.dumps(value).encode()
