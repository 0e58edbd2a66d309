"""A service that takes JSON by POST, as workflows of Teams do: 202 and no body."""

from __future__ import annotations

from typing import Any

from tests.fakes.http import FakeServer, Request, Response


class WebhookServer(FakeServer):
    """`documents`: what was taken, in order."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.documents: list[dict[str, Any]] = []

    @property
    def address(self) -> str:
        return f"{self.url}/workflows/secret-path?sig=secret-signature"

    def respond(self, request: Request) -> Response:
        if request.method != "POST" or "application/json" not in request.headers.get("content-type", ""):
            return Response(400)
        self.documents.append(request.json)
        return Response(202)
