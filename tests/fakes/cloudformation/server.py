"""The HTTP server: boto3's requests in, schema-conform answers out."""

from __future__ import annotations

import math
import re
import socket
import struct
import threading
import time
import traceback
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.fakes.cloudformation import control, protocol, recording
from tests.fakes.cloudformation.call import Call
from tests.fakes.cloudformation.errors import AwsError, access_denied, missing_token
from tests.fakes.cloudformation.faults import Effect, Faults, Request
from tests.fakes.cloudformation.ids import Ids
from tests.fakes.cloudformation.operations import HANDLERS
from tests.fakes.cloudformation.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from tests.fakes.cloudformation.stacks import Stack

PLAYED = {"cloudformation", "sts"}
"""Of other services everything is denied."""
_CREDENTIAL = re.compile(r"Credential=([^/]+)/(\d{8})/([a-z0-9-]+)/([a-z0-9]+)/aws4_request")


class ConnectionBroken(Exception):
    """Tells the connection handler to break off without an answer."""


class CloudFormationServer:
    """CloudFormation and STS on one port; `now` is the clock that stacks live by (unix seconds)."""

    def __init__(
        self,
        now: Callable[[], float] = time.time,
        port: int = 0,
        *,
        page_size: int = 100,
        seed: int | str = 0,
        account: str = "123456789012",
        nested_tokens: bool = False,
        describe_events: bool = True,
        change_set_seconds: float = 2.5,
        host: str = "127.0.0.1",
    ) -> None:
        self._now = now
        self._seed = seed
        self._settings: dict[str, Any] = {
            "account": account,
            "nested_tokens": nested_tokens,
            "describe_events": describe_events,
            "page_size": page_size,
            "change_set_seconds": change_set_seconds,
        }
        self.world = World(ids=Ids(seed), **self._settings)
        self.faults = Faults(Ids(f"faults-{seed}"))
        self.pass_time: Callable[[float], object] = time.sleep
        """How the time of a request that hangs passes."""
        self.dates_its_answers = True
        """A proxy may take the `Date` header away."""
        self.requests: Counter[tuple[str, str]] = Counter()
        self.log: list[dict[str, Any]] = []
        self.crashes: list[str] = []
        self._lock = threading.RLock()
        self._http = _Http((host, port), _Connection)
        self._http.app = self
        self._thread: threading.Thread | None = None
        self.host = host
        self.port = int(self._http.server_address[1])

    @property
    def endpoint_url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def templates(self) -> dict[str, str]:
        """TemplateURL (or its last path segment) to template body."""
        return self.world.templates

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables with which boto3 comes here."""
        return {
            "AWS_ENDPOINT_URL_CLOUDFORMATION": self.endpoint_url,
            "AWS_ENDPOINT_URL_STS": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": "testground",
            "AWS_SECRET_ACCESS_KEY": "testground",
        }

    def now(self) -> float:
        """In whole milliseconds, as events have them: a read of the same moment sees what begins now."""
        return math.floor(self._now() * 1000 + 1e-3) / 1000

    def start(self) -> CloudFormationServer:
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        return self

    def serve_forever(self) -> None:
        self._http.serve_forever(poll_interval=0.1)

    def stop(self) -> None:
        if self._thread is not None:
            self._http.shutdown()
            self._thread.join()
            self._thread = None
        self._http.close_connections()
        self._http.server_close()

    def __enter__(self) -> CloudFormationServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self.crashes and error is None:
            raise RuntimeError("the test ground itself failed:\n" + self.crashes[0])

    def reset(self) -> None:
        """Forget stacks, faults and counts; keep settings and registered templates."""
        with self._lock:
            known = self.world.templates
            self.world = World(ids=Ids(self._seed), templates=known, **self._settings)
            self.faults.clear()
            self.requests.clear()
            self.log.clear()

    def load_recording(
        self,
        region: str,
        stack_name: str,
        events: Sequence[Mapping[str, Any]],
        *,
        start: float | None = None,
        skip_seconds: float = 0.0,
    ) -> Stack:
        """Serve recorded events; see `recording.load`."""
        with self._lock:
            return recording.load(
                self.world,
                self.world.region(region),
                stack_name,
                events,
                start=start,
                skip_seconds=skip_seconds,
            )

    def load_recording_file(
        self, region: str, path: Path | str, *, stack_name: str | None = None, start: float | None = None,
        skip_seconds: float = 0.0,
    ) -> Stack:  # fmt: skip
        """Serve a .jsonl log; without a name, the first row's stack is the root."""
        rows = recording.read_jsonl(Path(path))
        name = stack_name or min((str(row["stack"]) for row in rows), key=len)
        return self.load_recording(region, name, rows, start=start, skip_seconds=skip_seconds)

    def stack(self, region: str, name_or_id: str) -> Stack:
        """The stack as the engine holds it, planned future included."""
        with self._lock:
            found = self.world.region(region).find(name_or_id, self.now())
        if found is None:
            raise KeyError(name_or_id)
        return found

    def answer(self, authorization: str, body: str) -> tuple[int, str, bytes]:
        """Status, request id and XML for one call."""
        now = self.now()
        with self._lock:
            request_id = self.world.ids.random_uuid("request", len(self.log))
            entry: dict[str, Any] = {
                "time": now,
                "request_id": request_id,
                "operation": "",
                "region": "",
                "status": 0,
            }
            self.log.append(entry)
        namespace = ""
        try:
            match = _CREDENTIAL.search(authorization)
            if match is None:
                raise missing_token()
            region, service = match[3], match[4]
            entry["access_key"] = match[1]
            if service not in PLAYED:
                raise access_denied("everybody", service, "Everything", "*")
            namespace = str(protocol.service(service).metadata.get("xmlNamespace", ""))
            payload = self._dispatch(service, region, body, now, entry)
            status = 200
        except AwsError as error:
            payload, status = protocol.render_error(namespace, error, request_id), error.status
            entry["error"] = error.code
        except ConnectionBroken:
            raise
        except Exception:  # noqa: BLE001 - a bug of the test ground must be loud, whatever it is
            report = traceback.format_exc()
            self.crashes.append(report)
            bug = AwsError("TestGroundBug", report)
            payload, status = protocol.render_error(namespace, bug, request_id), bug.status
            entry["error"] = bug.code
        entry["status"] = status
        return status, request_id, payload

    def _dispatch(self, service: str, region: str, body: str, now: float, entry: dict[str, Any]) -> bytes:
        form = protocol.parse_form(body)
        action = form.get("Action", "")
        entry |= {"operation": action, "region": region, "stack": form.get("StackName", "")}
        with self._lock:
            self.requests[action, region] += 1
        model = protocol.operation_model(service, action)
        effect = self._judge(service, now, form, entry)
        params = entry["params"] = protocol.parse_request(model, form)
        handler = HANDLERS.get(action)
        if handler is None:
            raise AwsError("InvalidAction", f"The test ground does not play {action}", 400)
        with self._lock:
            now = self.now()
            call = Call(
                self.world, self.world.region(region), action, now, now - effect.stale_seconds,
                effect.page_size or self.world.page_size, entry["request_id"], self.endpoint_url,
            )  # fmt: skip
            answer = {name: value for name, value in handler(call, params).items() if value is not None}
            payload = protocol.render_answer(model, answer, entry["request_id"])
        if effect.reset_after:
            entry["error"] = "reset_after"
            raise ConnectionBroken
        if effect.error_after is not None:
            raise effect.error_after
        return payload[: len(payload) // 2] if effect.garbage else payload

    def _judge(self, service: str, now: float, form: Mapping[str, str], entry: dict[str, Any]) -> Effect:
        account, region = self.world.account, entry["region"]
        name = form.get("StackName", "*")
        resource = (
            name if name.startswith("arn:") else f"arn:aws:cloudformation:{region}:{account}:stack/{name}/*"
        )
        principal = f"arn:aws:sts::{account}:assumed-role/deploy/deploy"
        effect = self.faults.judge(
            Request(service, entry["operation"], region, now, resource, principal, entry["access_key"])
        )
        if effect.delay_seconds:
            time.sleep(effect.delay_seconds)
        if effect.hang_seconds:
            self.pass_time(effect.hang_seconds)
        if effect.reset_before or effect.hang_seconds:
            entry["error"] = "reset_before"
            raise ConnectionBroken
        if effect.error is not None:
            raise effect.error
        return effect


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128
    app: CloudFormationServer

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(address, handler)

    def track(self, connection: socket.socket, alive: bool) -> None:
        with self._open_lock:
            (self._open.add if alive else self._open.discard)(connection)

    def close_connections(self) -> None:
        with self._open_lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536
    server: _Http

    def setup(self) -> None:
        super().setup()
        self.server.track(self.connection, True)

    def finish(self) -> None:
        self.server.track(self.connection, False)
        super().finish()

    def log_message(self, *_: Any) -> None:
        """Requests are kept in the server's own log."""

    def _body(self) -> str:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()

    def do_GET(self) -> None:
        self._control("GET")

    def do_PUT(self) -> None:
        self._control("PUT")

    def do_DELETE(self) -> None:
        self._control("DELETE")

    def do_POST(self) -> None:
        if self.path.startswith("/_testground/"):
            self._control("POST")
            return
        try:
            status, request_id, payload = self.server.app.answer(
                self.headers.get("Authorization") or "", self._body()
            )
        except ConnectionBroken:
            self._break()
            return
        self._send(status, "text/xml", payload, request_id)

    def _control(self, method: str) -> None:
        status, kind, payload = control.respond(self.server.app, method, self.path, self._body())
        self._send(status, kind, payload, None)

    def _break(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _send(self, status: int, kind: str, payload: bytes, request_id: str | None) -> None:
        self.send_response_only(status)
        if self.server.app.dates_its_answers:
            self.send_header("Date", self.date_time_string(self.server.app.now()))
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(payload)))
        if request_id:
            self.send_header("x-amzn-RequestId", request_id)
        self.end_headers()
        self.wfile.write(payload)
        self.wfile.flush()
