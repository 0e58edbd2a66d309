"""A server that passes everything on to another one, and can be told to fail on the way."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

from tests.fakes.http import FakeServer, Request, Response

_OWN = {"connection", "content-length", "transfer-encoding", "expect", "host"}


class Proxy(FakeServer):
    """Passes requests to `upstream` one at a time, which also makes each of them atomic there."""

    def __init__(self, upstream: str) -> None:
        super().__init__()
        self._upstream = urlsplit(upstream).netloc

    def respond(self, request: Request) -> Response:
        connection = http.client.HTTPConnection(self._upstream, timeout=10)
        try:
            headers = {name: value for name, value in request.headers.items() if name not in _OWN}
            connection.request(request.method, request.target, request.body or None, headers)
            answer = connection.getresponse()
            return Response(answer.status, answer.read(), dict(answer.getheaders()))
        finally:
            connection.close()
