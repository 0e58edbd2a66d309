"""What the fakes share: an HTTP server on a free port that can be told to fail."""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import signal
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType


@dataclass(frozen=True)
class Request:
    method: str
    target: str  # path and query as sent
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.target).query).items()}

    @property
    def json(self) -> dict[str, Any]:
        parsed = json.loads(self.body or b"{}")
        return parsed if isinstance(parsed, dict) else {}


@dataclass(frozen=True)
class Response:
    """`body`: bytes and text are sent as they are, None sends nothing, all else as JSON."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> tuple[bytes, str]:
        if self.body is None:
            return b"", ""
        if isinstance(self.body, bytes):
            return self.body, "application/octet-stream"
        if isinstance(self.body, str):
            return self.body.encode(), "text/plain; charset=utf-8"
        return json.dumps(self.body).encode(), "application/json; charset=utf-8"


@dataclass
class Fault:
    """A failure that the next matching requests meet.

    `match` is searched in `METHOD /path`. `when`: `before` the request takes effect, or `after` it did, so
    that only the answer is lost. `kind`: `status` answers with `status`, `headers` and `body`; `drop` closes
    the connection without an answer; `hang` stays silent for `seconds`, then drops. `times`: how many
    requests meet it, None for all until it is cleared.
    """

    match: str = ""
    kind: str = "status"
    when: str = "before"
    status: int = 502
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    seconds: float = 30.0
    times: int | None = 1

    def meets(self, request: Request) -> bool:
        return self.times != 0 and re.search(self.match, f"{request.method} {request.path}") is not None


class FakeServer:
    """One HTTP server in threads of this process. Use as a context manager, or `start` and `stop`.

    Subclasses answer in `respond`, which runs under `lock`: one request at a time.
    `POST /_testground/faults` adds a `Fault` from JSON, `DELETE` clears them, `GET /_testground/requests`
    lists what was asked.
    """

    def __init__(self, port: int = 0) -> None:
        self.lock = threading.RLock()
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.exchanges: list[tuple[Request, Response]] = []  # without those that a fault answered
        self._stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._server = _Server(("127.0.0.1", port), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def respond(self, request: Request) -> Response:
        raise NotImplementedError

    def testground(self, request: Request, what: str) -> Response | None:
        """A subclass's own `/_testground/WHAT`; None where there is no such thing."""
        return None

    def fail(self, match: str = "", **details: Any) -> Fault:
        fault = Fault(match=match, **details)
        self.faults.append(fault)
        return fault

    def clear_faults(self) -> None:
        self.faults.clear()

    def asked(self, match: str = "") -> list[Request]:
        """The requests so far whose `METHOD /path` holds the pattern."""
        return [r for r in self.requests if re.search(match, f"{r.method} {r.path}")]

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def answer(self, request: Request) -> Response | None:
        """What to send; None closes the connection without an answer."""
        if request.path.startswith("/_testground/"):
            return self._testground(request)
        with self.lock:
            self.requests.append(request)
            fault = next((fault for fault in self.faults if fault.meets(request)), None)
            if fault and fault.times is not None:
                fault.times -= 1
        if fault is None or fault.when == "after":
            response = self._respond(request)
        if fault is None:
            return response
        if fault.kind == "hang":
            self._stopping.wait(fault.seconds)
        return Response(fault.status, fault.body, fault.headers) if fault.kind == "status" else None

    def _respond(self, request: Request) -> Response:
        with self.lock:
            response = self.respond(request)
            self.exchanges.append((request, response))
            return response

    def _testground(self, request: Request) -> Response:
        what = request.path.removeprefix("/_testground/")
        with self.lock:
            if (request.method, what) == ("POST", "faults"):
                self.faults.append(Fault(**request.json))
                return Response(201, {})
            if (request.method, what) == ("DELETE", "faults"):
                self.clear_faults()
                return Response(204)
            if (request.method, what) == ("GET", "requests"):
                return Response(200, [f"{r.method} {r.target}" for r in self.requests])
            return self.testground(request, what) or Response(404, {"message": f"no {what} here"})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], fake: FakeServer) -> None:
        self.fake = fake
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server
    hop_by_hop: ClassVar[set[str]] = {"content-length", "transfer-encoding", "connection", "server"}

    def setup(self) -> None:
        super().setup()
        self.server.fake._open.add(self.connection)

    def finish(self) -> None:
        self.server.fake._open.discard(self.connection)
        super().finish()

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        if headers.get("transfer-encoding") == "chunked":
            body = b"".join(iter(self._chunk, b""))
        else:
            body = self.rfile.read(length)
        response = self.server.fake.answer(Request(self.command, self.path, headers, body))
        if response is None:
            self.close_connection = True
            return
        content, kind = response.encoded()
        self.send_response_only(response.status)
        given = {name.lower() for name in response.headers}
        if "date" not in given:
            self.send_header("Date", self.date_time_string())
        if kind and "content-type" not in given:
            self.send_header("Content-Type", kind)
        for name, value in response.headers.items():
            if name.lower() not in self.hop_by_hop:
                self.send_header(name, value)
        if response.status not in {204, 304}:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline().split(b";")[0], 16)
        data = self.rfile.read(size)
        self.rfile.readline()
        return data

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the name in the base class
        """The tests speak, the server does not."""


def run_until_signal(
    make: Callable[[argparse.Namespace], FakeServer], options: Iterable[tuple[str, dict[str, Any]]] = ()
) -> None:
    """A fake's command line: `--port`, `--ready-file` (gets the URL when ready), `options`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ready-file", type=Path)
    for name, details in options:
        parser.add_argument(name, **details)
    arguments = parser.parse_args()
    done = threading.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: done.set())
    with make(arguments) as server:
        print(server.url, flush=True)
        if arguments.ready_file:
            temporary = arguments.ready_file.with_suffix(".tmp")
            temporary.write_text(server.url)
            temporary.replace(arguments.ready_file)
        done.wait()
